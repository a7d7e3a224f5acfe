"""Problems as pages for people, and as JSON for programs."""

import falcon

from ostiary.identity.http.context import context_of
from ostiary.identity.http.problems import ProblemError, retry_hint, write_json
from ostiary.identity.pages.rendering import renderer

_PROGRAM_PATHS = ("/oauth2/", "/ofrep/", "/admin/", "/.well-known/")
_PERSON_PATHS = frozenset({"/oauth2/authorize", "/oauth2/end-session"})
_TITLES = {
    403: "This is not allowed",
    404: "Nothing here",
    405: "Not this way",
    413: "Too much at once",
    429: "Too many attempts",
    500: "Something went wrong",
    503: "Please try again in a moment",
}


def write_problem(
    request: falcon.Request, response: falcon.Response, problem: ProblemError
) -> None:
    """Write a problem as a page where a browser shows it to a person, else as JSON."""
    if _wants_json(request):
        write_json(request, response, problem)
    else:
        write_problem_page(request, response, problem)


def write_problem_page(
    request: falcon.Request, response: falcon.Response, problem: ProblemError
) -> None:
    """Write a problem as a page."""
    context = context_of(request)
    context.outcome = problem.outcome
    renderer().write(
        response,
        "problem",
        {
            "title": _TITLES.get(problem.status, "This did not work"),
            "message": problem.message,
            "hint": problem.hint,
            "request_id": context.request_id,
        },
        status=problem.status,
    )
    retry_hint(response, problem)


def _wants_json(request: falcon.Request) -> bool:
    accept = request.get_header("accept") or ""
    if "text/html" in accept:
        # A browser that opens an address for programs sees what programs see.
        return request.path.startswith(_PROGRAM_PATHS) and request.path not in _PERSON_PATHS
    return "application/json" in accept or request.path.startswith(_PROGRAM_PATHS)
