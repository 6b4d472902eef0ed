/**
 * Whose turn it is to write, among the threads of one process that share a file. Whoever has the turn may take SQLite's
 * lock, so that no thread ever polls for the lock of another; between processes the lock itself decides. The turn goes
 * round: whoever waits has it after each of the others had it once at most.
 *
 * It is one word of shared memory that names the holder, and a word for each thread that says whether it waits. Only the
 * holder writes the first while somebody holds it, so there is no state in which two have the turn or, a death of the
 * holder apart, nobody who could hand it on; and for that there is `leaveTurn`.
 */

const nobody = 0
const rests = 0
const waits = 1
const holderAt = 0

export interface WriteTurn {
  /** Resolves when the turn is here; until then calls back every `lateMs`, for whoever does not want to wait longer. */
  readonly take: (onLate: () => void) => Promise<void>
  /** Hands the turn on. To be called once for each `take`, whatever happened in between. */
  readonly pass: () => void
}

/** Memory for the turns of so many threads, to be handed to each of them. */
export function turnMemory(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer((1 + threads) * Int32Array.BYTES_PER_ELEMENT)
}

export function threadsOf(memory: SharedArrayBuffer): number {
  return memory.byteLength / Int32Array.BYTES_PER_ELEMENT - 1
}

/** The turns of the thread with this number, from 0. It takes one turn at a time. */
export function writeTurn(memory: SharedArrayBuffer, thread: number, lateMs: number): WriteTurn {
  const cells = new Int32Array(memory)
  const me = thread + 1

  function isMine(): boolean {
    const holder = Atomics.compareExchange(cells, holderAt, nobody, me)
    return holder === nobody || holder === me
  }

  async function wait(): Promise<void> {
    for (;;) {
      Atomics.store(cells, me, waits)
      // Whoever left between the look and the word did not see us wait.
      if (isMine()) break
      const woken = Atomics.waitAsync(cells, me, waits)
      if (woken.async) await woken.value
      if (Atomics.load(cells, holderAt) === me) break
    }
    Atomics.store(cells, me, rests)
  }

  return {
    take: async onLate => {
      if (isMine()) return
      const late = setInterval(onLate, lateMs)
      try {
        await wait()
      } finally {
        clearInterval(late)
      }
    },
    pass: () => passFrom(cells, me),
  }
}

/** To be called once a thread is gone, by one that is not: what it held is handed on, and who it forgot is woken. */
export function leaveTurn(memory: SharedArrayBuffer, thread: number): void {
  const cells = new Int32Array(memory)
  const gone = thread + 1
  Atomics.store(cells, gone, rests)
  const holder = Atomics.load(cells, holderAt)
  if (holder === gone) passFrom(cells, gone)
  else if (holder !== nobody) wake(cells, holder)
}

function passFrom(cells: Int32Array, from: number): void {
  do {
    const next = whoWaits(cells, from)
    Atomics.store(cells, holderAt, next ?? nobody)
    if (next !== null) return wake(cells, next)
    // Whoever asked between our look and our leaving still found us here.
  } while (whoWaits(cells, from) !== null && Atomics.compareExchange(cells, holderAt, nobody, from) === nobody)
}

/** The first who waits after `from`, round and round. */
function whoWaits(cells: Int32Array, from: number): number | null {
  const threads = cells.length - 1
  for (let step = 1; step <= threads; step++) {
    const cell = ((from - 1 + step) % threads) + 1
    if (Atomics.load(cells, cell) === waits) return cell
  }
  return null
}

function wake(cells: Int32Array, cell: number): void {
  Atomics.store(cells, cell, rests)
  Atomics.notify(cells, cell, 1)
}
