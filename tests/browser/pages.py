"""The pages of identity as a person uses them: found by label and role, not by markup."""

import re
from dataclasses import dataclass

from playwright.sync_api import Locator, Page

from tests.system import Account


@dataclass(frozen=True, slots=True)
class LoginPages:
    """Sign-in, sign-up, sign-out and the demo page, in one tab."""

    page: Page
    issuer: str

    def open(self, path: str) -> None:
        """Go to a path of the issuer."""
        self.page.goto(self.issuer + path)

    @property
    def email(self) -> Locator:
        """The field for the address."""
        return self.page.get_by_label(re.compile("e-?mail", re.IGNORECASE))

    @property
    def password(self) -> Locator:
        """The field for the password."""
        return self.page.locator("input[type=password]")

    @property
    def submit(self) -> Locator:
        """The button that sends the page's form."""
        return self.page.locator("main form button, main form input[type=submit]").first

    @property
    def message(self) -> Locator:
        """What the page says went wrong, announced to screen readers."""
        return self.page.get_by_role("alert")

    def fill_in(self, account: Account) -> None:
        """Fill in the form and send it."""
        self.email.fill(account.email)
        self.password.fill(account.password)
        self.submit.click()

    def sign_up(self, account: Account) -> None:
        """Make an account; the page signs it in."""
        self.open("/sign-up")
        self.fill_in(account)

    def sign_in(self, account: Account) -> None:
        """Sign in from the sign-in page."""
        self.open("/sign-in")
        self.fill_in(account)

    def sign_out(self) -> None:
        """Sign out by the button that every signed-in user sees on the demo page."""
        self.open("/demo")
        self.page.get_by_role("button", name="sign out").click()

    def shows(self, text: str) -> bool:
        """Return whether the demo page shows a text."""
        self.open("/demo")
        return text in self.page.inner_text("body")
