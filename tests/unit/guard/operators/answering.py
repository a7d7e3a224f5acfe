"""Operations that do nothing but say who has asked for what."""

from typing import Any

from ostiary.guard.operators.model import Operator

Answer = dict[str, Any]


class Answering:
    """Implements the guard's operations; every answer names the caller."""

    async def status(self) -> Answer:
        return {"asked": "status"}

    async def changes(self) -> Answer:
        return {"asked": "changes"}

    async def change(self, change_id: str) -> Answer:
        return {"asked": change_id}

    async def patch(self, change_id: str) -> Answer:
        return {"asked": change_id}

    async def snapshots(self) -> Answer:
        return {"asked": "snapshots"}

    async def snapshot(self, snapshot_id: str) -> Answer:
        return {"asked": snapshot_id}

    async def check(self, body: Answer, caller: Operator) -> Answer:
        return {"caller": caller.name}

    async def shut_down(self, body: Answer, caller: Operator) -> Answer:
        return {"caller": caller.name}

    async def identity_request(
        self, method: str, path: str, body: Answer | None, caller: Operator
    ) -> Answer:
        return {"caller": caller.name, "method": method, "path": path}

    async def run_journeys(self, body: Answer, caller: Operator) -> Answer:
        return {"caller": caller.name}

    async def record_capacity(self, body: Answer, caller: Operator) -> Answer:
        return {"caller": caller.name}

    async def audit(self, body: Answer, caller: Operator) -> Answer:
        return {"caller": caller.name}

    async def propose(self, body: Answer, caller: Operator) -> Answer:
        return {"caller": caller.name}

    async def revoke(self, snapshot_id: str, body: Answer, caller: Operator) -> Answer:
        return {"caller": caller.name, "asked": snapshot_id}

    async def command(self, change_id: str, kind: str, body: Answer, caller: Operator) -> Answer:
        return {"caller": caller.name, "kind": kind}

    async def comment(self, change_id: str, body: Answer, caller: Operator) -> Answer:
        return {"caller": caller.name}
