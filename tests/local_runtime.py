"""A runtime on a data directory, as a guard makes it at its start."""

from ostiary.kernel.clock import SystemClock
from ostiary.runtime.data_directory import DataDirectory
from ostiary.runtime.local import LocalRuntime
from ostiary.runtime.releases import ReleaseStore


def local_runtime(data: DataDirectory) -> LocalRuntime:
    return LocalRuntime(
        data.path,
        ReleaseStore(data.releases),
        clock=SystemClock(),
        admin_token_file=data.admin_token_file,
        edge_token_file=data.edge_token_file,
        store_key_file=data.store_key_file,
    )
