"""Judge of deposits: what `make platform` hands to a platform, which checks each file."""

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import house
from conformance.court import Corpus, Report
from lib.core.root import Root
from platform_stub import Platform, running

_TODAY = "2027-02-15"


def platform(corpus: Corpus) -> Report:
    """Each domestic invoice between businesses is deposited once, as the bytes that are the proof,
    and no other document is."""
    report = Report("documents deposited")
    for root in corpus.roots:
        with TemporaryDirectory() as folder, running(Platform()) as stub:
            copy = Root(Path(folder) / "root")
            shutil.copytree(root.path, copy.path)
            issuer = json.loads(copy.issuer.read_bytes())
            issuer["platform"] = {"flow_url": f"{stub.url}/flow-service", "since": "2026-01-01"}
            house.write(copy, "issuer.json", issuer)
            with (copy.path / ".env").open("a") as settings:
                settings.write("\nPLATFORM_TOKEN=fixed-token\n")
            for _ in range(2):
                ran = house.make(copy, "platform", f"TODAY={_TODAY}")
                if ran.code:
                    report.errors.append(f"{root.path.name}: make platform: {ran.out}{ran.err}")
        wanted = sorted(
            issued.document.number
            for issued in corpus.issued
            if issued.root == root
            and not issued.document.issued_by
            and any(note.code == "BAR" and note.text == "B2B" for note in issued.document.notes)
        )
        report.judged += len(wanted)
        report.errors += [f"{root.path.name}: {text}" for text in stub.wrong]
        if sorted(stub.deposited) != wanted:
            report.errors.append(f"{root.path.name}: deposited {stub.deposited}, not {wanted}")
        proofs = {issued.pdf.read_bytes() for issued in corpus.issued if issued.root == root}
        if not proofs.issuperset(stub.files.values()):
            report.errors.append(f"{root.path.name}: other bytes than the proofs were deposited")
    return report
