"""Places in which faults are injected, without a whole system around them."""

from collections.abc import Sequence
from pathlib import Path

from ostiary.drills.injection.place import InjectionPlace
from ostiary.drills.injection.surroundings import Surroundings
from ostiary.drills.mode import Mode
from ostiary.drills.order import DrillOrder
from ostiary.drills.population import plan_traffic
from ostiary.drills.recording import Recorder
from ostiary.drills.scenarios.injections import Injection
from ostiary.drills.scenarios.model import ScenarioFile
from ostiary.drills.scenarios.reading import Scenario
from ostiary.drills.system import DrillSystem
from ostiary.drills.traffic_plan import Application, invent_people
from ostiary.guard.client import GuardClient
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SeededRandom

ISSUER = "http://login.example.test"


def order_of(*inject: dict[str, object], database: str = "sqlite") -> DrillOrder:
    """Return the order of a drill that injects these faults."""
    content = ScenarioFile.model_validate(
        {
            "title": "Ours",
            "topology": {"database": database},
            "fault": {"description": "It befalls.", "inject": list(inject)},
            "expected": {"affected": 0.5},
        }
    )
    return DrillOrder(Scenario("ours", content), Mode.UNGUARDED, None, seed=1)


def faults_of(order: DrillOrder) -> Sequence[Injection]:
    return order.scenario.content.fault.inject


def place_of(
    order: DrillOrder, directory: Path, data: Path, surroundings: Surroundings | None = None
) -> InjectionPlace:
    """Return a place whose system has its files in `data`; its guard does not run."""
    clock = SystemClock()
    application = Application(client_id="a", redirect_uri="https://a.invalid", audience=ISSUER)
    people = invent_people(1, SeededRandom(1))
    return InjectionPlace(
        system=DrillSystem(data, ISSUER, GuardClient(data), {}),
        order=order,
        directory=directory,
        plan=plan_traffic(ISSUER, application, people, rate=1, seconds=1, seed=1),
        recorder=Recorder(clock, lambda _line: None),
        clock=clock,
        rng=SeededRandom(1),
        surroundings=surroundings or Surroundings(),
    )
