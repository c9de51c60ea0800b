"""Installs a conda package with rattler, as pixi and rattler-build do: python rattler.py CHANNEL-URL PACKAGE PREFIX.

Credentials come from where rattler itself looks: RATTLER_AUTH_FILE, the keyring, ~/.rattler/credentials.json and netrc.
The exit code is 1 and the error goes to standard error when the channel refuses.
"""

import asyncio
import os
import pathlib
import sys
import tempfile

# This script is named as the library, which python would look for beside it first.
sys.path = [p for p in sys.path if pathlib.Path(p).resolve() != pathlib.Path(__file__).resolve().parent]

from rattler import Client, Gateway, install, solve  # noqa: E402


async def main(channel: str, package: str, prefix: pathlib.Path) -> None:
    # No second tries: the tests refuse on purpose. A cache of its own: every run asks the channel.
    client = Client.default_client(max_retries=0)
    with tempfile.TemporaryDirectory() as cache:
        gateway = Gateway(cache_dir=pathlib.Path(cache, "repodata"), client=client)
        records = await solve(sources=[channel], specs=[package], gateway=gateway)
        await install(
            records,
            target_prefix=prefix,
            cache_dir=pathlib.Path(cache, "pkgs"),
            client=client,
            show_progress=False,
        )
    for record in records:
        print(f"installed {record.file_name} from {record.url}")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: rattler.py CHANNEL-URL PACKAGE PREFIX")
    code = 0
    try:
        asyncio.run(main(sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])))
    except Exception as error:  # the library raises one type for each of its stages, and all of them mean failure
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        code = 1
    # The library's threads may still be at work, and an interpreter that shuts down beside them can abort.
    sys.stdout.flush()
    os._exit(code)
