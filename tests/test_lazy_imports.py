"""What a library imports and never uses is not imported; what it does use, it gets."""

import subprocess
import sys

import house

SCRIPT = f"""
import sys
sys.path.insert(0, {str(house.SCRIPTS)!r})
from lib.documents import facturx_xml, pdf_file
from lib.core.lazy_imports import postponed
heavy = ("numpy", "pypdf", "requests", "fontTools.varLib", "unittest.mock")
print([name for name in heavy if name in sys.modules])
facturx_xml.library()
print([name for name in heavy if name in sys.modules])
with postponed("colorsys", "sched", "xml.dom"):
    import colorsys
    from sched import scheduler
    from xml.dom import minidom
print([name for name in ("colorsys", "sched", "xml.dom") if name in sys.modules])
print(colorsys.rgb_to_hsv(0, 0, 0), scheduler().empty(), minidom.parseString("<a/>").toxml())
import sched
print(isinstance(sched.scheduler(), scheduler), scheduler.run is sched.scheduler.run)
"""


def test_what_is_postponed_is_imported_when_it_is_used():
    run = [sys.executable, "-c", SCRIPT]
    ran = subprocess.run(run, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == [
        "[]",
        "[]",
        "[]",
        '(0.0, 0.0, 0) True <?xml version="1.0" ?><a/>',
        "True True",
    ]
