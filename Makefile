# The conductor: the only place that knows the order of things.
# Each target is a thin call of one script; `make` alone prints the commands.
override SHELL := /bin/bash
# -p: what the environment says to bash (BASH_ENV, SHELLOPTS, functions) is not heard.
override .SHELLFLAGS := -p -eu -o pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := help
.RECIPEPREFIX :=
VPATH :=
MAKEFLAGS += --no-builtin-rules --no-print-directory

HERE := $(if $(filter /%,$(MAKEFILE_LIST)),,$(CURDIR)/)$(strip $(MAKEFILE_LIST))
override HOUSE := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
# What in a name would be more than a part of it, to Make or to a shell. A path that Make split is
# not that of this file any more.
ODD := ; & | < > ( ) ' " ` * ? [ ] { } \ ! % : = $$ \#
odd = $(strip $(foreach char,$(ODD),$(findstring $(char),$(1))))
$(if $(call odd,$(HOUSE)),$(error this project stands in a path with a character that Make or a shell takes for more: "$(HOUSE)"; move it))
$(if $(and $(filter 1,$(words $(HOUSE))),$(wildcard $(HOUSE)/Makefile)),,$(error this project stands in a path with a space, which Make cannot carry: "$(HERE)"; move it))

COMMANDS := help setup init demo client order check preview month invoice credit-note batch packages \
  payment refund payment-reverse write-off payments-import statement reconcile overdue mail reminders \
  export payments-csv fec ledger workbook declare accountant report receipt account ereporting verify status logs \
  purge-logs backup restore sequence opening opening-reverse quote accept decline close test faults fuzz lint audit \
  conformance bench pin platform demo-platform platform-years
.PHONY: $(COMMANDS)
DEVELOPERS := $(HOUSE)/tools/developers.mk
$(MAKEFILE_LIST) $(DEVELOPERS): ;

# What was typed, as it was typed: neither Make nor the shell expands what stands in a value.
TYPED := $(filter-out MAKE% -%,$(foreach name,$(.VARIABLES),$(if \
  $(filter command,$(firstword $(origin $(name)))),$(name))))
$(foreach name,$(TYPED),$(eval override $(name) := $$(value $(name))))

# What Make finds in the environment it obeys before it reads this file (MAKEFLAGS=n issues nothing,
# MAKEFLAGS=MONTH=2026-09 another month): it is started again, by the words that were typed.
OF_MAKE := ^((MAKE(FLAGS|FILES|CMDGOALS|OVERRIDES|_COMMAND)?|GNUMAKEFLAGS|MFLAGS)=|MAKELEVEL=[1-9])
OF_MAKE := $(shell sed -nzE '/$(OF_MAKE)/q1' /proc/$$PPID/environ)$(.SHELLSTATUS)
ifeq ($(OF_MAKE),1)
.DEFAULT_GOAL := started-again
.PHONY: started-again
$(COMMANDS): started-again ;
.DEFAULT started-again:
	+@exec $(HOUSE)/scripts/as_typed.sh $$PPID $(HOUSE)/Makefile
else

# Only what was typed counts, and reaches the scripts through the environment. An environment has
# names for ends of its own (MAIL, LANGUAGE): of these, scripts see none but the settings of .env.
VALUES := YEAR CLIENT MONTH ISSUE_DATE TODAY REISSUE INVOICE AMOUNT METHOD REFERENCE NOTE REASON \
  PAYMENT BANK AGAIN OVERPAYMENT KIND LARGE QUIET KEEP_DAYS DRY_RUN TO FROM WITNESS MAIL LINES DATE FILE LANGUAGE \
  SENT NUMBERING VAT_REGIME ID NAME COUNTRY PERSON TAXABLE SIREN VAT_NUMBER ADDRESS POSTCODE CITY EMAIL CODE DAYS \
  TREATMENT EXEMPTION_CODE EXEMPTION_REASON START EVERY BILLED DESCRIPTION PRICE UNIT VAT_RATE CATEGORY SIZE \
  APPROVE PUBLISH RUN_LOG LAST OPENING ORDER QUOTE STEP TITLE QUANTITY DEPOSIT \
  PERIOD SEND VALUE_DATE QUARTER DELIVERED
SETTINGS := LOCK_WAIT WORKERS WORKERS_CA_FILE WORKERS_CERT_FILE WORKERS_KEY_FILE CSV_DIALECT \
  CSV_HEADERS SMTP_HOST SMTP_PORT SMTP_SECURITY SMTP_USER SMTP_PASSWORD SMTP_CA_FILE SMTP_TIMEOUT \
  MAIL_FROM MAIL_SINCE MAIL_MAX_ATTACHMENT ALERT_TO PLATFORM_CLIENT_ID PLATFORM_CLIENT_SECRET \
  PLATFORM_AUTH PLATFORM_TOKEN PLATFORM_CA_FILE PLATFORM_TIMEOUT
$(foreach name,$(filter-out $(TYPED),$(VALUES) ROOT),$(eval $(name) :=)$(eval unexport $(name)))
$(foreach name,$(filter PYTHON%,$(.VARIABLES)),$(eval unexport $(name)))
$(if $(filter ROOT,$(TYPED)),,$(eval ROOT := $(HOUSE)))
export TYPED $(TYPED)

# What Make itself says is a text of languages/fr.json too; {value} is what it is about.
SAY = $(HOUSE)/scripts/say.sh '$(if $(call odd,$(ROOT)),,$(ROOT))'
said = $(subst {value},$(2),$(shell $(SAY) '$($(1))' '{value}'))
TEXT_NAME := {value}=...: no command takes this name; names are in capitals, and make alone lists the commands
TEXT_TWO := "{value}": no such command; a value is written NAME=value, as in MONTH=2026-10
TEXT_COMMAND := make {value}: no such command; make alone lists them
TEXT_ROOT_ODD := ROOT has a character in its path that Make or a shell takes for more: "{value}"; choose another
TEXT_ROOT_EMPTY := ROOT is empty: name a folder, as in ROOT=/srv/studio, or leave it out for this one
TEXT_ROOT_SPACE := ROOT has a space in its path, which Make cannot carry: "{value}"; choose another
TEXT_CLIENT := CLIENT is missing: make invoice CLIENT=studio_nord
TEXT_HELP := make TARGET [NAME=value ...]     ROOT=folder chooses whose data (default: here)
TEXT_PIP := pip could not install the packages: {value}; look whether the network is there, then run the command again
TEXT_NO_PYTHON := python3 is missing: install Python 3.11 or newer
TEXT_OLD_PYTHON := Python 3.11 or newer is needed, and python3 is {value}: install one, put it first in PATH
TEXT_NO_VENV := python3 cannot make a .venv: install python3-venv (Debian, Ubuntu: apt install python3-venv)
TEXT_VENV_FAILED := python3 could not make {value}: see that there is room and this user may write there
TEXT_INSTALLING := installing into .venv (once)

# Make takes `month=2026-09` for a variable that nobody reads, and `make month 2026-09` for two
# commands: either would issue another month than was meant before anything was said.
STRANGE := $(firstword $(filter-out $(VALUES) $(SETTINGS) ROOT,$(TYPED)))
$(if $(STRANGE),$(error $(call said,TEXT_NAME,$(STRANGE))))
STRANGE := $(if $(word 2,$(MAKECMDGOALS)),$(firstword $(filter-out $(COMMANDS),$(MAKECMDGOALS))))
$(if $(STRANGE),$(error $(call said,TEXT_TWO,$(STRANGE))))

$(if $(call odd,$(ROOT)),$(error $(call said,TEXT_ROOT_ODD,$(ROOT))))
$(if $(ROOT),,$(error $(call said,TEXT_ROOT_EMPTY)))
$(if $(filter 1,$(words $(ROOT))),,$(error $(call said,TEXT_ROOT_SPACE,$(ROOT))))

VENV := $(HOUSE)/.venv
READY := $(VENV)/.ready
PYTHON := $(VENV)/bin/python
# Isolated from the caller's PYTHON... variables, and in UTF-8 whatever the locale.
SCRIPT := $(PYTHON) -E -s -X utf8 $(HOUSE)/scripts

# A mistyped command gets one line that says what to do.
.DEFAULT:
	@$(SAY) '$(TEXT_COMMAND)' "$$(printf %q '$(subst ','\'',$@)')" >&2; exit 2

help: ## print this help
	@$(SAY) --help '$(TEXT_HELP)' $(HOUSE)/Makefile $(DEVELOPERS)

##@ First steps

# Without a network pip repeats itself and then blames a package: one line is enough here.
INSTALL = log=$(VENV)/pip.log; \
  $(PYTHON) -m pip install --quiet --quiet --disable-pip-version-check --require-hashes -r $< 2>$$log || { \
  $(SAY) '$(TEXT_PIP)' "$$(sed -n 's/^ERROR: //p' $$log | head -n 1) ($$log)" >&2; exit 4; }

setup: $(READY) ## create .venv and install what requirements.txt pins

$(READY): $(HOUSE)/requirements.txt
	@command -v python3 >/dev/null || { $(SAY) '$(TEXT_NO_PYTHON)' >&2; exit 4; }
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  $(SAY) '$(TEXT_OLD_PYTHON)' "$$(python3 -c 'import sys; print(sys.version.split()[0])')" >&2; exit 4; }
	@python3 -c 'import ensurepip, venv' 2>/dev/null || { \
	  $(SAY) '$(TEXT_NO_VENV)' >&2; exit 4; }
	@$(SAY) '$(TEXT_INSTALLING)'
	@python3 -m venv $(VENV) || { \
	  $(SAY) '$(TEXT_VENV_FAILED)' '$(VENV)' >&2; exit 4; }
	@$(INSTALL)
	@$(PYTHON) -m compileall -q $(HOUSE)/scripts
	@touch $@

init: $(READY) ## lay out an empty ROOT with explained examples [LANGUAGE] [NUMBERING] [VAT_REGIME]
	@$(SCRIPT)/init_root.py --root $(ROOT)

demo: DEMO := $(HOUSE)/demo
demo: $(READY) ## copy examples/ to demo/ and tell a studio's quarter there, command by command [LANGUAGE]
	@$(SCRIPT)/copy_examples.py --to $(DEMO)
	+@$(SCRIPT)/tell_quarter.py --root $(DEMO) $(SHOW)

# Answers come through the environment; on a terminal those that are missing are asked for.
# ADDRESS may have several lines: "12 rue Basse; Bâtiment C".
client: $(READY) ## a new client file: ID, then NAME SIREN ADDRESS CITY CODE ... or answers
	@$(SCRIPT)/new_client.py --root $(ROOT)
order: $(READY) ## a new order of CLIENT: ID, then TITLE PRICE QUANTITY VAT_RATE [DEPOSIT in per cent] ... or answers
	@$(SCRIPT)/new_order.py --root $(ROOT)

check: $(READY) ## validate every input, issue nothing [MONTH: the prices that hold in it]
	@$(SCRIPT)/check_inputs.py --root $(ROOT) --law

sequence: $(READY) ## moving in: the first number of CODE in YEAR comes after LAST, for a REASON
	@$(SCRIPT)/record_sequence.py --root $(ROOT)
opening: $(READY) ## moving in: open invoices of the tool before, from a CSV FILE, all or none
	@$(SCRIPT)/import_openings.py --root $(ROOT)
opening-reverse: $(READY) ## take out OPENING=client/3, entered wrongly, for a REASON
	@$(SCRIPT)/reverse_opening.py --root $(ROOT)

##@ A month

preview: $(READY) ## drafts of MONTH's invoices [CLIENT], or of a credit note [INVOICE REASON ...], in ROOT/preview/
	@$(SCRIPT)/preview_invoices.py --root $(ROOT)

# The script removes the flags that no longer stand, runs a make for each phase, and reports to the
# operator what came of it. `make -n` shows the phases.
SHOW = $(if $(findstring n,$(filter-out -%,$(firstword $(value MAKEFLAGS)))),--show)
PHASES = $(SCRIPT)/run_phases.py --root $(ROOT) --make $(MAKE) $(SHOW)

month: $(READY) ## the monthly cycle of MONTH (default: the month before ISSUE_DATE, itself today) [MAIL=no]
	+@$(PHASES) month

FLAGS := $(ROOT)/data/flags
# lib/core/flags.py knows what a phase is done from; its script raises the flag. Typed by hand, no
# other script has looked whether the flag stands: then it does.
BY_HAND := $(if $(RUN_LOG),,by-hand)
.PHONY: by-hand phase-batches phase-direct phase-packages phase-balances phase-mail phase-platform phase-reminders phase-batch issue-batches
phase-batches: $(if $(filter-out %/rejected %/. %/..,$(wildcard $(addprefix $(ROOT)/data/inbox_batch/,* .*))),issue-batches)
phase-direct: $(FLAGS)/$(if $(call odd,$(MONTH)),,$(firstword $(MONTH)))/direct.done
phase-packages: $(FLAGS)/packages.done
phase-balances: $(FLAGS)/balances.done
phase-mail: $(FLAGS)/mail.done
phase-platform: $(FLAGS)/platform.done

# What is not a batch keeps no invoice of a month waiting: the summary gives the run its status.
issue-batches: ; @$(SCRIPT)/import_batch.py --root $(ROOT) --pass-strays yes
phase-batch: ; @$(SCRIPT)/import_batch.py --root $(ROOT)
%/direct.done: $(BY_HAND) ; @$(SCRIPT)/generate_invoice.py --root $(ROOT) --flag
%/packages.done: $(BY_HAND) ; @$(SCRIPT)/pack_batches.py --root $(ROOT) --flag
%/balances.done: $(BY_HAND) ; @$(SCRIPT)/reconcile.py --root $(ROOT) --flag
%/mail.done: $(BY_HAND) ; @$(SCRIPT)/send_invoices.py --root $(ROOT) --flag
%/platform.done: $(BY_HAND) ; @$(SCRIPT)/exchange_with_platform.py --root $(ROOT) --flag
phase-reminders: ; @$(SCRIPT)/send_reminders.py --root $(ROOT)
invoice: $(READY) ## CLIENT's invoice of MONTH, or of an ORDER's next [STEP] [DELIVERED]; REISSUE=yes after it was credited
	@$(if $(CLIENT),,$(error $(call said,TEXT_CLIENT)))
	@$(SCRIPT)/$(if $(ORDER)$(STEP)$(DELIVERED),invoice_order,generate_invoice).py --root $(ROOT)
credit-note: $(READY) ## take back INVOICE for a REASON: all, an AMOUNT with VAT, or the LINES of a JSON file
	@$(SCRIPT)/issue_credit_note.py --root $(ROOT)
batch: $(READY) ## issue the CSV files of the inbox (of CLIENT only, where given)
	+@$(PHASES) batch
packages: $(READY) ## ZIP archives of what was issued for batch clients, in ROOT/downloads/
	@$(SCRIPT)/pack_batches.py --root $(ROOT)

##@ Quotes
quote: $(READY) ## a quote of CLIENT's ORDER to sign, or its next version; `make mail` sends it
	@$(SCRIPT)/issue_quote.py --root $(ROOT)
accept: $(READY) ## QUOTE was accepted on DATE; what was signed is kept [FILE=signed.pdf]
	@$(SCRIPT)/accept_quote.py --root $(ROOT)
decline: $(READY) ## QUOTE was declined [REASON]
	@$(SCRIPT)/decline_quote.py --root $(ROOT)

##@ Payments
payment: $(READY) ## CLIENT INVOICE AMOUNT DATE METHOD [REFERENCE] [NOTE] [VALUE_DATE] [AGAIN=yes] [OVERPAYMENT=yes]
	@$(SCRIPT)/record_payment.py --root $(ROOT)
refund: $(READY) ## money given back: CLIENT INVOICE AMOUNT DATE METHOD [REFERENCE] [NOTE] [VALUE_DATE] [AGAIN=yes]
	@$(SCRIPT)/record_refund.py --root $(ROOT)
payment-reverse: $(READY) ## take out PAYMENT=client/3 for a REASON [DATE]
	@$(SCRIPT)/reverse_payment.py --root $(ROOT)
write-off: $(READY) ## close INVOICE: AMOUNT KIND=difference|bank_charge|bad_debt REASON [DATE] [LARGE=yes] [AGAIN=yes]
	@$(SCRIPT)/write_off.py --root $(ROOT)
payments-import: $(READY) ## many payments from a CSV FILE, all or none [AGAIN=yes] [OVERPAYMENT=yes]
	@$(SCRIPT)/import_payments.py --root $(ROOT)
statement: $(READY) ## propose payments from a bank statement FILE, or from a bank's CSV [BANK]; records nothing
	@$(SCRIPT)/read_statement.py --root $(ROOT)
reconcile: $(READY) ## balances of the clients whose records changed
	@$(SCRIPT)/reconcile.py --root $(ROOT)
overdue: $(READY) ## who owes what, by age [DATE]
	@$(SCRIPT)/show_overdue.py --root $(ROOT)

##@ Mail
mail: $(READY) ## send what was not sent; SENT=name or all: record that it went another way
	@$(SCRIPT)/pack_batches.py --root $(ROOT)
	@$(SCRIPT)/send_invoices.py --root $(ROOT)
reminders: $(READY) ## remind clients of overdue invoices [DATE] [DRY_RUN=1: only show what would go]
	+@$(PHASES) reminders

##@ The approved platform
platform: $(READY) ## deposit invoices, read what became of them [DRY_RUN=1] [INVOICE: once more, if refused]
	@$(SCRIPT)/exchange_with_platform.py --root $(ROOT)

##@ For the accountant

# --flag: only what changed since is made again.
export: $(READY) ## money received, revenues and VAT due of YEAR (2024), QUARTER (2024-Q1) or MONTH (2024-03), as CSV
	@$(SCRIPT)/export_revenues.py --root $(ROOT) --flag
payments-csv: $(READY) ## every payment, refund and reversal, as CSV
	@$(SCRIPT)/export_payments.py --root $(ROOT) --flag
fec: $(READY) ## sales and receipts of the fiscal year that ends in YEAR, in the FEC format
	@$(SCRIPT)/export_fec.py --root $(ROOT) --flag
ledger: $(READY) ## the same fiscal YEAR for hledger, ledger and beancount
	@$(SCRIPT)/export_ledger.py --root $(ROOT) --flag
workbook: $(READY) ## YEAR, QUARTER or MONTH as .xlsx for people who calculate: tables, sums, clients by month, ageing [LANGUAGE]
	@$(SCRIPT)/make_workbook.py --root $(ROOT) --flag
declare: $(READY) ## what to type at the tax office and URSSAF for MONTH, QUARTER (2024-Q1) or YEAR: VAT boxes, DES, turnover
	@$(SCRIPT)/declare.py --root $(ROOT)
accountant: $(READY) ## one ZIP of YEAR, QUARTER or MONTH: workbook, exports, FEC, PDFs, what all of it means, hashes
	@$(SCRIPT)/pack_accountant.py --root $(ROOT) --flag
close: $(READY) ## MONTH, or YEAR with its open months: its totals on record, nothing is dated in it any more
	@$(SCRIPT)/close_period.py --root $(ROOT)
report: $(READY) ## YEAR on a few pages with charts, as a PDF [LANGUAGE=fr|en] [DATE: what is owed then]
	@$(SCRIPT)/make_report.py --root $(ROOT)
receipt: $(READY) ## a copy of a paid INVOICE that says so; the invoice stays as it is
	@$(SCRIPT)/make_receipt.py --root $(ROOT)
account: $(READY) ## CLIENT's statement of account: balance, documents, payments, what to pay [FROM] [DATE], as a PDF
	@$(SCRIPT)/make_account.py --root $(ROOT)
ereporting: $(READY) ## sales abroad and to private customers of PERIOD (2027-09), for the tax office [SEND=yes]
	@$(SCRIPT)/make_ereporting.py --root $(ROOT)

##@ Watching over it

verify: $(READY) ## the audit: everything read again and compared [WITNESS=heads.txt, from a mail]
	@$(SCRIPT)/verify.py --root $(ROOT)
status: $(READY) ## the state of the house on one screen; reads only
	@$(SCRIPT)/show_status.py --root $(ROOT)
logs: $(READY) ## the story of CLIENT (default: of all)
	@$(SCRIPT)/show_logs.py --root $(ROOT)
purge-logs: $(READY) ## remove log entries older than KEEP_DAYS [DRY_RUN=1]
	@$(SCRIPT)/purge_logs.py --root $(ROOT)
backup: $(READY) ## one tar file, in the folder TO, of all that cannot be made again
	@$(SCRIPT)/back_up.py --root $(ROOT)
restore: $(READY) ## the backup FROM=file into an empty ROOT; makes the rest again and verifies it
	@$(SCRIPT)/restore.py --root $(ROOT)
	@$(SCRIPT)/reconcile.py --root $(ROOT)
	@$(SCRIPT)/pack_batches.py --root $(ROOT)
	@$(SCRIPT)/verify.py --root $(ROOT)

include $(DEVELOPERS)

# A name of this file that an environment has too is not handed down with what it means here.
$(foreach name,$(filter-out MAKE% .% TYPED,$(.VARIABLES)),$(if $(filter file,$(origin $(name))),$(eval unexport $(name))))

endif
