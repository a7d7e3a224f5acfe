"""Finding the replicas again that an earlier guard started."""

from pathlib import Path

from ostiary.kernel.processes import ProcessRecord, is_alive
from ostiary.runtime import replica_process, service_process
from ostiary.runtime.ports import Replica
from ostiary.runtime.process_table import command_lines, marked
from ostiary.runtime.replica_files import Record, ReplicaFiles


def running_replicas(files: ReplicaFiles) -> dict[str, ProcessRecord]:
    """Return the processes that run with a configuration of this data directory, by name."""
    found = {}
    for process, arguments in command_lines():
        config = replica_process.config_in(arguments)
        name = None if config is None else files.name_of_config(config)
        if name is not None:
            found[name] = process
    for process, config_file in marked(service_process.MARK):
        name = files.name_of_config(Path(config_file))
        if name is not None:
            found.setdefault(name, process)
    return found


def revived(files: ReplicaFiles, record: Record, running: ProcessRecord | None) -> Replica | None:
    """Return the replica of a record if it runs; complete a record that has no process yet."""
    if record.replica is not None:
        return record.replica if is_alive(record.replica.own_process) else None
    if running is None:
        return None
    try:
        replica = Replica.from_json({**record.content, "process": running.to_json()})
    except (LookupError, TypeError, ValueError):
        return None
    files.write_record(record.name, replica.to_json())
    return replica
