# The conductor: the only place that knows the order of things.
# Each target is a thin call of one script; `make` alone prints the commands.

HERE := $(if $(filter /%,$(MAKEFILE_LIST)),,$(CURDIR)/)$(strip $(MAKEFILE_LIST))
HOUSE := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
ROOT ?= $(HOUSE)

# What in a name would be more than a part of it, to Make or to a shell.
ODD := ; & | < > ( ) ' " ` * ? [ ] { } \ ! % : = $$ \#
odd = $(strip $(foreach char,$(ODD),$(findstring $(char),$(1))))

# Names of files that rules may carry: of those that are odd or have a space, the scripts tell.
files = $(wildcard $(call plain,$(wildcard $(1))))
plain = $(if $(call odd,$(1)),$(foreach name,$(1),$(if $(call odd,$(name)),,$(name))),$(1))

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

TYPED_ROOT := $(if $(filter command environment,$(firstword $(origin ROOT))),$(value ROOT))
ifneq ($(call odd,$(TYPED_ROOT)),)
$(error ROOT has a character in its path that Make or a shell takes for more: "$(TYPED_ROOT)"; choose another)
endif
ifneq ($(call odd,$(HOUSE)),)
$(error this project stands in a path with a character that Make or a shell takes for more: "$(HOUSE)"; move it)
endif
# A path that Make took apart is no longer that of this file.
ifeq ($(and $(filter 1,$(words $(HOUSE))),$(wildcard $(HOUSE)/Makefile)),)
$(error this project stands in a path with a space, which Make cannot carry: "$(HERE)"; move it)
endif
ifneq ($(words $(ROOT)),1)
$(error ROOT has a space in its path, which Make cannot carry: "$(ROOT)"; choose another)
endif

VENV := $(HOUSE)/.venv
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev
PYTHON := $(VENV)/bin/python
SCRIPT := $(PYTHON) $(HOUSE)/scripts
SUB := $(MAKE) -f $(HOUSE)/Makefile ROOT=$(ROOT)

# Names that an environment may have for ends of its own (gettext's LANGUAGE, a terminal's
# LINES): only what was typed is meant.
TYPED := SENT LINES DATE FILE LANGUAGE ID NAME COUNTRY PERSON TAXABLE SIREN VAT_NUMBER ADDRESS POSTCODE CITY EMAIL CODE DAYS \
  TREATMENT EXEMPTION_CODE EXEMPTION_REASON START EVERY DESCRIPTION PRICE UNIT VAT_RATE CATEGORY SIZE
define if_typed
ifneq ($$(origin $(1)),command line)
$(1) :=
endif
endef
$(foreach name,$(TYPED),$(eval $(call if_typed,$(name))))

# Values reach the scripts through the environment as they were typed: neither Make nor
# the shell expands what stands in them.
VALUES := YEAR CSV_DIALECT CSV_HEADERS CLIENT MONTH ISSUE_DATE TODAY REISSUE WORKERS LOCK_WAIT \
  INVOICE AMOUNT METHOD REFERENCE NOTE REASON PAYMENT AGAIN OVERPAYMENT \
  QUIET KEEP_DAYS DRY_RUN TO FROM WITNESS MAIL SMTP_HOST SMTP_PORT SMTP_SECURITY SMTP_USER \
  SMTP_PASSWORD SMTP_CA_FILE SMTP_TIMEOUT MAIL_FROM MAIL_SINCE MAIL_MAX_ATTACHMENT ALERT_TO \
  WORKERS_CA_FILE WORKERS_CERT_FILE WORKERS_KEY_FILE $(TYPED)
define as_typed
override $(1) := $$(value $(1))
export $(1)
endef
$(foreach name,$(VALUES),$(eval $(call as_typed,$(name))))

# A month is part of the names of flags, so that Make itself has to read it.
ifneq ($(subst 9,,$(subst 8,,$(subst 7,,$(subst 6,,$(subst 5,,$(subst 4,,$(subst 3,,$(subst 2,,$(subst 1,,$(subst 0,,$(subst -,,$(value MONTH)))))))))))),)
$(error MONTH: "$(value MONTH)" is no date; write 2026-10)
endif

# Make takes `month=2026-09` for a variable that nobody reads, and `make month 2026-09` for two
# commands: either would issue another month than was meant before anything was said.
ifeq ($(MAKELEVEL),0)
KNOWN := $(VALUES) ROOT PYTHON APPROVE PUBLISH MAKE% -%
STRANGE := $(filter-out $(KNOWN),$(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),$(name))))
ifneq ($(STRANGE),)
$(error $(firstword $(STRANGE))=...: no command takes this name; names are in capitals, and make alone lists the commands)
endif
ifneq ($(words $(MAKECMDGOALS)),$(words $(firstword $(MAKECMDGOALS))))
STRANGE := $(filter-out $(shell sed -n 's/^\([a-z][a-z-]*\):.*\#\# .*/\1/p' $(HOUSE)/Makefile),$(MAKECMDGOALS))
ifneq ($(STRANGE),)
$(error "$(firstword $(STRANGE))": no such command; a value is written NAME=value, as in MONTH=2026-10)
endif
endif
endif

# Sets $1 $2 $3 in a recipe, and says so: today (in the issuer's time zone), issue date, month.
DATES = dates=$$($(SCRIPT)/show_dates.py --root $(ROOT)); set -- $$dates; \
  echo "month $$3, issue date $$2"

# Where nothing found would look like nothing wrong, a mistyped ROOT is told.
NEED_ROOT = $(if $(wildcard $(ROOT)/issuer.json $(ROOT)/data/heads),,\
  $(error $(ROOT) has no issuer.json and no records: ROOT=folder names another, make init ROOT=folder lays one out))

define need
$(if $(value $(1)),,$(error $(1) is missing: make $(firstword $(MAKECMDGOALS)) $(1)=$(2)))
endef

# A mistyped command gets one line that says what to do.
.DEFAULT:
	@printf 'make %q: no such command; make alone lists them\n' '$(subst ','\'',$@)' >&2; exit 2

.PHONY: help
help: ## print this help
	@awk 'BEGIN {FS = ":.*## "; \
	    print "make TARGET [NAME=value ...]     ROOT=folder chooses whose data (default: here)"} \
	  /^##@ / {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z][a-z-]*:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(HOUSE)/Makefile

##@ First steps

# Without a network pip repeats itself and then blames a package: one line is enough here.
INSTALL = log=$(VENV)/pip.log; \
  $(PYTHON) -m pip install --quiet --quiet --disable-pip-version-check --require-hashes -r $< 2>$$log || { \
  echo "pip could not install the packages: $$(sed -n 's/^ERROR: //p' $$log | head -n 1);" \
    "look whether the network is there, then run the command again ($$log has it all)" >&2; exit 4; }

.PHONY: setup
setup: $(READY) ## create .venv and install what requirements.txt pins

$(READY): $(HOUSE)/requirements.txt
	@command -v python3 >/dev/null || { echo "python3 is missing: install Python 3.11 or newer" >&2; exit 4; }
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	  "Python 3.11 or newer is needed, and python3 is " + sys.version.split()[0] + ": install one, put it first in PATH")'
	@python3 -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "python3 cannot make a .venv: install python3-venv (Debian, Ubuntu: apt install python3-venv)" >&2; exit 4; }
	@echo "installing into .venv (once)"
	@python3 -m venv $(VENV) || { \
	  echo "python3 could not make $(VENV): see that there is room and this user may write there" >&2; exit 4; }
	@$(INSTALL)
	@$(PYTHON) -m compileall -q $(HOUSE)/scripts
	@touch $@

$(READY_DEV): $(HOUSE)/requirements-dev.txt $(READY)
	@$(INSTALL)
	@touch $@

.PHONY: init
init: $(READY) ## lay out an empty ROOT with explained examples
	@$(SCRIPT)/init_root.py --root $(ROOT)

.PHONY: demo
demo: DEMO := $(HOUSE)/demo
demo: $(READY) ## copy examples/ to demo/, run a whole month there, show what it made
	@$(SCRIPT)/copy_examples.py --to $(DEMO)
	@$(MAKE) -f $(HOUSE)/Makefile ROOT=$(DEMO) TODAY=2026-11-08 MONTH=2026-10 month
	@$(SCRIPT)/show_month.py --root $(DEMO) --month 2026-10

# Answers come through the environment; on a terminal those that are missing are asked for.
# ADDRESS may have several lines: "12 rue Basse; Bâtiment C".
.PHONY: client
client: $(READY) ## a new client file: ID, then NAME SIREN ADDRESS CITY CODE ... or answers
	$(call need,ID,studio_nord)
	@dates=$$($(SCRIPT)/show_dates.py --root $(ROOT)); set -- $$dates; \
	  $(SCRIPT)/new_client.py --root $(ROOT) --id "$$ID" --today "$$1"

.PHONY: check
check: $(READY) ## validate every input, issue nothing
	@today=$${TODAY:-$$($(SCRIPT)/show_dates.py --root $(ROOT) 2>/dev/null || :)}; \
	  $(SCRIPT)/check_inputs.py --root $(ROOT) --today "$${today%% *}"

##@ A month

.PHONY: preview
preview: $(READY) ## drafts of MONTH's invoices, watermarked, unnumbered, in ROOT/preview/
	@$(DATES); $(SCRIPT)/preview_invoices.py --root $(ROOT) --month "$$3" --issue-date "$$2"

# Runs the target $1 and then tells the operator what came of it and of all since the summary
# before, whatever happened; the status stays. What Make knows of the run lies in a folder, RUN:
# the step it came to, the alerts that were said. QUIET=1 keeps back what is said, to say it at
# the end unless all is well and old.
define told
RUN=$$(mktemp -d); export RUN RUN_LOG=$$RUN/alerts; exec 9>&2; \
trap 'cat "$$RUN/said" >&9 2>/dev/null || :; rm -rf "$$RUN"' EXIT; \
case "$$QUIET" in ""|0|no) ;; *) exec >"$$RUN/said" 2>&1;; esac; \
status=0; echo dates >"$$RUN/step"; \
dates=$$($(SCRIPT)/show_dates.py --root $(ROOT)) || status=$$?; \
if [ $$status = 2 ] || [ ! -e $(ROOT)/issuer.json ]; then exit $$status; fi; \
set -- $${dates:-$$(date +%F)} "" ""; days="TODAY=$$1 ISSUE_DATE=$$2 MONTH=$$3"; \
if [ $$status = 0 ]; then echo $@ >"$$RUN/step"; $(SUB) $$days $1 || status=$$?; fi; \
STATUS=$$status COMMAND=$@ $(SUB) $$days summary || status=$$?; \
exit $$status
endef

.PHONY: summary
summary:
	@$(SCRIPT)/send_alerts.py --root $(ROOT) --run "$$RUN" --command "$$COMMAND" \
	  --status "$$STATUS" --today "$$TODAY" --month "$$MONTH"

# Each phase is a sub-make of its own, since a wildcard is expanded before the phase that
# creates its files. A phase whose flag is fresh starts no process.
PHASES := batches direct packages balances $(if $(filter no,$(MAIL)),,mail)
$(if $(filter-out yes no,$(MAIL)),$(error MAIL is yes or no, not $(value MAIL)))

.PHONY: month phases
month: $(READY) ## the monthly cycle of MONTH (default: the month before ISSUE_DATE, itself today) [MAIL=no]
	+@$(call told,phases)

phases:
	@echo "month $$MONTH, issue date $$ISSUE_DATE"
	+@for phase in $(PHASES); do echo $$phase >"$$RUN/step"; \
	  if $(SUB) -q "phase-$$phase" 2>/dev/null; then echo "$$phase: nothing left to do"; \
	  else $(SUB) CLIENT= "phase-$$phase"; fi; done

FLAGS := $(ROOT)/data/flags/$(MONTH)

# A flag gets the time at which the run began, so that a file edited meanwhile counts as newer.
# Each run keeps that time in a file of its own: many may run at once.
BEGUN = mkdir -p $(@D); begun=$$(mktemp $@.XXXXXX); trap 'rm -f "$$begun"' EXIT

# What is not a batch keeps no invoice of a month waiting: the summary gives the run its status.
.PHONY: phase-batches issue-batches
phase-batches: PASS_STRAYS := yes
phase-batches: $(if $(filter-out %/rejected %/. %/..,$(wildcard $(addprefix $(ROOT)/data/inbox_batch/,* .*))),issue-batches)
PASS_STRAYS :=
issue-batches:
	@$(SCRIPT)/import_batch.py --root $(ROOT) --issue-date "$$ISSUE_DATE" --today "$$TODAY" \
	  --client "$$CLIENT" --pass-strays "$(PASS_STRAYS)"

.PHONY: phase-packages
phase-packages: $(ROOT)/data/flags/packages.done
$(ROOT)/data/flags/packages.done: $(call files,$(ROOT)/data/revenues_batch/*.jsonl)
	@mkdir -p $(@D)
	@$(SCRIPT)/pack_batches.py --root $(ROOT)
	@touch $@

# What a mail is made of. Mails that wait for a server are tried again where one is named.
.PHONY: phase-mail server-named
phase-mail: $(ROOT)/data/flags/mail.done
$(ROOT)/data/flags/mail.done: $(call files,$(ROOT)/issuer.json $(ROOT)/.env $(ROOT)/clients \
    $(ROOT)/clients/*.json $(ROOT)/batch_clients $(ROOT)/batch_clients/*.json \
    $(ROOT)/data/heads/revenues/*.json $(ROOT)/data/heads/revenues_batch/*.json \
    $(ROOT)/downloads/*.zip) \
    $(if $(and $(SMTP_HOST),$(wildcard $(ROOT)/data/outbox/*.eml)),server-named)
	@$(BEGUN); $(SCRIPT)/send_invoices.py --root $(ROOT) --today "$$TODAY"; mv "$$begun" $@

.PHONY: phase-direct
phase-direct: $(FLAGS)/direct.done
$(FLAGS)/direct.done: $(call files,$(ROOT)/issuer.json $(ROOT)/.env $(ROOT)/clients \
    $(ROOT)/clients/*.json $(ROOT)/data/usage $(ROOT)/data/usage/* $(ROOT)/data/usage/*/*.json)
	@$(BEGUN); $(SCRIPT)/generate_invoice.py --root $(ROOT) --month "$$MONTH" \
	  --issue-date "$$ISSUE_DATE" --today "$$TODAY"; mv "$$begun" $@

.PHONY: invoice
invoice: $(READY) ## CLIENT's invoice of MONTH; REISSUE=yes after it was credited in full
	$(call need,CLIENT,studio_nord)
	@$(DATES); $(SCRIPT)/generate_invoice.py --root $(ROOT) --month "$$3" --issue-date "$$2" \
	  --today "$$1" --client "$$CLIENT" --reissue "$$REISSUE"

.PHONY: credit-note
credit-note: $(READY) ## take back INVOICE for a REASON, whole or the LINES of a JSON file
	$(call need,INVOICE,NORD-2026-0001)
	$(call need,REASON,"why it is taken back")
	@$(DATES); $(SCRIPT)/issue_credit_note.py --root $(ROOT) --invoice "$$INVOICE" \
	  --lines "$$LINES" --issue-date "$$2" --today "$$1" --again "$$AGAIN"

.PHONY: batch
batch: $(READY) ## issue the CSV files of the inbox (of CLIENT only, where given)
	+@$(call told,issue-batches)

.PHONY: packages
packages: $(READY) ## ZIP archives of what was issued for batch clients, in ROOT/downloads/
	$(NEED_ROOT)
	@$(SCRIPT)/pack_batches.py --root $(ROOT)

##@ Payments

# Sets $1 in a recipe to today (in the issuer's time zone).
TODAY_IS = dates=$$($(SCRIPT)/show_dates.py --root $(ROOT)); set -- $$dates
MONEY = --client="$$CLIENT" --invoice="$$INVOICE" --amount="$$AMOUNT" --date="$$DATE" \
  --method="$$METHOD" --again="$$AGAIN" --today="$$1"

# REFERENCE, NOTE and REASON are free text: they reach the scripts through the environment alone.
.PHONY: payment
payment: $(READY) ## CLIENT INVOICE AMOUNT DATE METHOD [REFERENCE] [NOTE] [AGAIN=yes] [OVERPAYMENT=yes]
	@$(TODAY_IS); $(SCRIPT)/record_payment.py --root $(ROOT) $(MONEY) --overpayment="$$OVERPAYMENT"

.PHONY: refund
refund: $(READY) ## money given back: CLIENT INVOICE AMOUNT DATE METHOD [REFERENCE] [NOTE] [AGAIN=yes]
	@$(TODAY_IS); $(SCRIPT)/record_refund.py --root $(ROOT) $(MONEY)

.PHONY: payment-reverse
payment-reverse: $(READY) ## take out PAYMENT=client/3 for a REASON [DATE]
	@$(TODAY_IS); $(SCRIPT)/reverse_payment.py --root $(ROOT) --payment="$$PAYMENT" \
	  --date="$$DATE" --today="$$1"

.PHONY: payments-import
payments-import: $(READY) ## many payments from a CSV FILE, all or none [AGAIN=yes] [OVERPAYMENT=yes]
	$(call need,FILE,payments.csv)
	@$(TODAY_IS); $(SCRIPT)/import_payments.py --root $(ROOT) --file="$$FILE" --again="$$AGAIN" \
	  --overpayment="$$OVERPAYMENT" --today="$$1"

.PHONY: statement
statement: $(READY) ## propose payments from a bank statement FILE (camt.053, OFX); records nothing
	$(call need,FILE,statement.xml)
	@$(SCRIPT)/read_statement.py --root $(ROOT) --file="$$FILE"

.PHONY: reconcile
reconcile: $(READY) ## balances of the clients whose records changed
	$(NEED_ROOT)
	@$(SCRIPT)/reconcile.py --root $(ROOT)

.PHONY: overdue
overdue: $(READY) ## who owes what, by age [DATE]
	@$(TODAY_IS); $(SCRIPT)/show_overdue.py --root $(ROOT) --date="$$DATE" --today="$$1"

# The heads change with every record, so they alone tell whether a balance can be stale; which
# ones are, the script tells from the heads too. The flag's time is that of the run's begin.
.PHONY: phase-balances
phase-balances: $(ROOT)/data/flags/balances.done
$(ROOT)/data/flags/balances.done: $(call files,$(ROOT)/data/heads/revenues $(ROOT)/data/heads/payments \
    $(ROOT)/data/heads/revenues/*.json $(ROOT)/data/heads/payments/*.json)
	@$(BEGUN); $(SCRIPT)/reconcile.py --root $(ROOT); mv "$$begun" $@

##@ Mail

.PHONY: mail
mail: $(READY) ## send what was not sent; SENT=name or all: record that it went another way
	$(NEED_ROOT)
	@$(SCRIPT)/pack_batches.py --root $(ROOT)
	@$(TODAY_IS); $(SCRIPT)/send_invoices.py --root $(ROOT) --today "$$1" --sent "$$SENT"

.PHONY: reminders due-reminders
reminders: $(READY) ## remind clients of overdue invoices [DATE] [DRY_RUN=1: only show what would go]
	+@$(if $(filter-out 0 no,$(DRY_RUN)),$(TODAY_IS); $(SUB) TODAY="$$1" due-reminders,\
	$(call told,due-reminders))

due-reminders:
	@$(SCRIPT)/send_reminders.py --root $(ROOT) --date "$$DATE" --today "$$TODAY" \
	  --dry-run "$$DRY_RUN"

##@ For the accountant

# What exports are made from; a stopped run that waits to be finished changes the records.
EXPORTS := $(ROOT)/exports
BOOKS := $(call files,$(ROOT)/data/revenues $(ROOT)/data/revenues/*.jsonl $(ROOT)/data/payments \
  $(ROOT)/data/payments/*.jsonl $(ROOT)/data/pending/*/intent.json $(ROOT)/issuer.json \
  $(ROOT)/.env $(HOUSE)/scripts/*.py $(HOUSE)/scripts/lib/*.py)

# A dialect given on the command line holds for once: files in it are made anew, and look old
# afterwards, so that the next `make` writes them as .env says.
ONCE := $(if $(value CSV_DIALECT)$(value CSV_HEADERS),made-anew)
.PHONY: made-anew
made-anew:

# Sets $period and $option in a recipe.
NEED_PERIOD = $(if $(value YEAR)$(value MONTH),,$(error YEAR or MONTH is missing: \
  make $(firstword $(MAKECMDGOALS)) YEAR=2024 (or MONTH=2024-03)))
PERIOD = period="$$YEAR$$MONTH"; option=--month; if [ -n "$$YEAR" ]; then option=--year; fi; \
  if ! [[ "$$period" =~ ^20[0-9]{2}(-(0[1-9]|1[0-2]))?$$ ]]; then \
    echo "YEAR=$$YEAR MONTH=$$MONTH: expected one of them, YEAR=2024 or MONTH=2024-03 [B-USAGE]" >&2; \
    exit 2; fi

# Makes files in a sub-make where they are stale, and says so where they are not.
MAKE_STALE = stale() { if $(SUB) -q "$$@"; then echo "$$1: nothing changed since it was made"; \
  else $(SUB) -s "$$@"; fi; }; stale

.PHONY: export
export: $(READY) ## money received, revenues and VAT due of YEAR (2024) or MONTH (2024-03), as CSV
	$(NEED_ROOT)
	$(NEED_PERIOD)
	+@$(PERIOD); at=$(EXPORTS)/recettes; $(MAKE_STALE) \
	  $(foreach table,$(TABLES),$$at/$(table)-$$period.csv $$at/$(table)-$$period.totals.csv)

TABLES := recettes revenues vat_due
$(foreach table,$(TABLES),$(addprefix $(EXPORTS)/recettes/$(table)-%,.csv .totals.csv)): $(BOOKS) $(ONCE)
	@$(PERIOD); $(SCRIPT)/export_revenues.py --root $(ROOT) $$option "$$period"
	$(if $(ONCE),@touch -d 2000-01-01 $(@D)/*-$*.csv $(@D)/*-$*.totals.csv)

.PHONY: payments-csv
payments-csv: $(READY) ## every payment, refund and reversal, as CSV
	$(NEED_ROOT)
	+@$(MAKE_STALE) $(EXPORTS)/payments/payments.csv

$(EXPORTS)/payments/payments.csv: $(BOOKS) $(ONCE)
	@$(SCRIPT)/export_payments.py --root $(ROOT)
	$(if $(ONCE),@touch -d 2000-01-01 $@)

DIGITS := [0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]

# The name of a FEC has the SIREN and the closing date of issuer.json; the script knows it.
.PHONY: fec
fec: $(READY) ## sales and receipts of the fiscal year that ends in YEAR, in the FEC format
	$(call need,YEAR,2024)
	+@$(PERIOD); shopt -s nullglob; found=($(EXPORTS)/fec/$(DIGITS)FEC$${period}[0-9][0-9][0-9][0-9].txt); \
	$(MAKE_STALE) "$${found[0]:-$(EXPORTS)/fec/$$period.txt}"

$(EXPORTS)/fec/%.txt: $(BOOKS)
	@$(SCRIPT)/export_fec.py --root $(ROOT) --year "$$YEAR"

.PHONY: ledger
ledger: $(READY) ## the same fiscal YEAR for hledger, ledger and beancount
	$(call need,YEAR,2024)
	+@$(PERIOD); $(MAKE_STALE) $(EXPORTS)/ledger/$$period.journal $(EXPORTS)/ledger/$$period.beancount

$(EXPORTS)/ledger/%.journal $(EXPORTS)/ledger/%.beancount: $(BOOKS)
	@$(SCRIPT)/export_ledger.py --root $(ROOT) --year "$$YEAR"

.PHONY: accountant
accountant: $(READY) ## one ZIP of YEAR or MONTH: exports, FEC, PDFs, a list of hashes
	$(NEED_ROOT)
	$(NEED_PERIOD)
	+@$(PERIOD); $(MAKE_STALE) $(EXPORTS)/accountant/accountant-$$period.zip

$(EXPORTS)/accountant/accountant-%.zip: $(BOOKS) $(ONCE)
	@$(PERIOD); $(SCRIPT)/pack_accountant.py --root $(ROOT) $$option "$$period"
	$(if $(ONCE),@touch -d 2000-01-01 $@)

.PHONY: report
report: $(READY) ## YEAR on a few pages with charts, as a PDF [LANGUAGE=fr|en] [DATE: what is owed then]
	$(call need,YEAR,2024)
	@$(PERIOD); $(TODAY_IS); $(SCRIPT)/make_report.py --root $(ROOT) --year "$$YEAR" --language "$$LANGUAGE" \
	  --date "$$DATE" --today "$$1"

.PHONY: receipt
receipt: $(READY) ## a copy of a paid INVOICE that says so; the invoice stays as it is
	$(call need,INVOICE,NORD-2024-0001)
	@$(SCRIPT)/make_receipt.py --root $(ROOT) --invoice "$$INVOICE"

##@ Watching over it

.PHONY: verify
verify: $(READY) ## the audit: everything read anew and compared [WITNESS=heads.txt, from a mail]
	$(NEED_ROOT)
	@$(SCRIPT)/verify.py --root $(ROOT) --witness="$$WITNESS"

.PHONY: status
status: $(READY) ## the state of the house on one screen; reads only
	@$(TODAY_IS); \
	  $(SCRIPT)/show_status.py --root $(ROOT) --today "$$1" --month "$$3"

.PHONY: logs
logs: $(READY) ## the story of CLIENT (default: of all)
	$(NEED_ROOT)
	@$(SCRIPT)/show_logs.py --root $(ROOT) --client "$$CLIENT"

.PHONY: purge-logs
purge-logs: $(READY) ## remove log entries older than KEEP_DAYS [DRY_RUN=1]
	$(call need,KEEP_DAYS,365)
	@$(TODAY_IS); $(SCRIPT)/purge_logs.py --root $(ROOT) --keep-days="$$KEEP_DAYS" --today "$$1" \
	  --dry-run "$$DRY_RUN"

.PHONY: backup
backup: $(READY) ## one tar file, in the folder TO, of all that cannot be made again
	$(call need,TO,/mnt/backups)
	@$(TODAY_IS); $(SCRIPT)/back_up.py --root $(ROOT) --to "$$TO" --today "$$1"

.PHONY: restore
restore: $(READY) ## the backup FROM=file into an empty ROOT; makes the rest again and verifies it
	$(call need,FROM,backup.tar)
	@mkdir -p $(ROOT); $(SCRIPT)/restore.py --root $(ROOT) --from "$$FROM"
	@$(SUB) reconcile
	@$(SUB) packages
	@$(SUB) verify

##@ For developers

.PHONY: test
test: $(READY_DEV) ## the tests, under five minutes
	@cd $(HOUSE) && $(PYTHON) -m pytest

.PHONY: faults
faults: $(READY_DEV) ## a month stopped at every call; power cuts; many runs at once (needs gcc; minutes)
	@command -v gcc >/dev/null || { \
	  echo "gcc is missing: install it (Debian, Ubuntu: apt install gcc libc6-dev)" >&2; exit 4; }
	@cd $(HOUSE) && $(PYTHON) tests/faults/simulate.py
	@cd $(HOUSE) && $(PYTHON) -m pytest tests/faults/runs_at_once.py tests/faults/times.py tests/faults/cluster.py

.PHONY: fuzz
fuzz: $(READY_DEV) ## thousands of broken files through every reader; whole years of random houses (minutes)
	@cd $(HOUSE) && $(PYTHON) tests/fuzz/run.py
	@cd $(HOUSE) && YEARS=4 MONTHS=12 $(PYTHON) -m pytest -n 2 tests/test_whole_year.py

.PHONY: lint
lint: $(READY_DEV) ## style, format and types
	@cd $(HOUSE) && $(PYTHON) -m ruff check . && $(PYTHON) -m ruff format --check . && $(PYTHON) -m mypy

.PHONY: audit
audit: $(READY) ## known vulnerabilities of what requirements.txt pins, as far as the index tells
	@$(PYTHON) $(HOUSE)/tools/audit_requirements.py $(HOUSE)/requirements.txt

.PHONY: conformance
conformance: $(READY_DEV) ## outside judges over a wide corpus [APPROVE=yes: its pages look right]
	@cd $(HOUSE) && PYTHONPATH=scripts:tests $(PYTHON) -m conformance \
	  $(if $(filter yes,$(value APPROVE)),--approve)
	@cd $(HOUSE) && $(PYTHON) -m pytest -m conformance

.PHONY: bench
bench: $(READY_DEV) ## speed, side by side with peers [SIZE=small|large] [PUBLISH=yes: docs/performance.md]
	@cd $(HOUSE) && PYTHONPATH=scripts:tests $(PYTHON) -m bench $(if $(value SIZE),--size "$$SIZE") \
	  $(if $(filter yes,$(value PUBLISH)),--publish)

.PHONY: pin
pin: ## requirements*.txt anew from requirements*.in, with hashes (needs uv)
	@cd $(HOUSE) && for name in requirements requirements-cluster requirements-dev requirements-bench; do \
	  uv pip compile --quiet --generate-hashes --no-header --no-emit-index-url \
	    --python-version 3.11 --output-file $$name.txt $$name.in; done
