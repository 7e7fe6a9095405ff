"""Prints how long it takes to load and validate 10,000 resources: python tests/benchmarks/load.py."""

import sys
import time

from reconciler.manifest import load

PER_FILE = 2_500


def manifests(count: int) -> dict[str, bytes]:
    """Return manifests with that many address resources, spread over files below the limit."""
    nodes = "".join(f"  node-{number}: {{address: 10.9.0.{number}}}\n" for number in range(1, 17))
    texts = {
        "cluster.yaml": (
            "apiVersion: reconciler/v1\n"
            "cluster: {name: large, properties: {fencing-enabled: false}}\n"
            f"nodes:\n{nodes}"
        ).encode()
    }
    for start in range(0, count, PER_FILE):
        entries = "".join(_entry(number) for number in range(start, min(count, start + PER_FILE)))
        constraints = "".join(
            f"  - order: {{first: vip-{number}, then: vip-{number + 1}}}\n"
            for number in range(start, min(count, start + PER_FILE) - 1, 10)
        )
        text = f"apiVersion: reconciler/v1\nresources:\n{entries}constraints:\n{constraints}"
        texts[f"resources-{start:06}.yaml"] = text.encode()
    return texts


def _entry(number: int) -> str:
    return (
        f"  vip-{number}:\n"
        "    agent: ocf:heartbeat:IPaddr2\n"
        f"    params: {{ip: 10.{number // 62_500}.{number // 250 % 250}.{number % 250 + 1}, "
        "cidr_netmask: 24}\n"
        "    operations:\n"
        "      monitor: {interval: 2s, timeout: 20s}\n"
        "    meta: {migration-threshold: 3, failure-timeout: 60s}\n"
    )


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    texts = manifests(count)
    size = sum(len(text) for text in texts.values())
    begin, used = time.perf_counter(), time.process_time()
    loaded = load.load_texts(texts)
    took = time.perf_counter() - begin
    processor = time.process_time() - used
    found = [f"{one.position}: {one.code}" for one in loaded.diagnostics[:5]]
    outcome = "valid" if loaded.desired else f"refused: {found}"
    sys.stdout.write(
        f"{count} resources, {len(texts)} files, {size} bytes: {took:.2f} s"
        f" ({processor:.2f} s of processor), {outcome}\n"
    )


if __name__ == "__main__":
    main()
