"""The command line that runs, rebuilt from what was understood of it."""

import shlex

import typer


def canonical_command(context: typer.Context) -> str:
    """Return the command with every option that isn't at its default, in its long form.

    Of a path only the last part is told: the text goes into files that are published, and a
    machine's folders are nobody's business. Since it is rebuilt from parsed values, no way of
    writing an option can hide a path.

    Args:
        context: of the command that runs.
    """
    from spiden_cli.core.training.provenance import last_part

    words = ["spiden", context.info_name or ""]
    for parameter in context.command.params:
        name = parameter.name or ""
        value = context.params.get(name)
        if value is None or value == parameter.get_default(context):
            continue
        option = max(parameter.opts, key=len)
        if value is True:
            words.append(option)
            continue
        for entry in value if isinstance(value, list | tuple) else [value]:
            words += [option, last_part(str(entry))]
    return shlex.join(words)
