/**
 * Whose turn it is to write, among the threads of one process that share a file. Whoever has the turn may take SQLite's
 * lock, so that no thread ever polls for the lock of another; between processes the lock itself decides.
 *
 * It is one word of shared memory that names the holder, and a word for each thread that says whether it waits. Who is
 * done frees the turn and wakes one that waits; who comes first has it, because a thread that is woken may be busy, or
 * have no core, and nobody should wait for that. A thread that was woken and came too late insists, and is handed the next
 * turn itself: it is overtaken once for each thread at most. When a holder dies, `leaveTurn` does what it did not.
 */

const nobody = 0
const rests = 0
const waits = 1
const insists = 2
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
    for (let manner = waits; ; manner = insists) {
      Atomics.store(cells, me, manner)
      // Whoever left between the look and the word did not see us wait.
      if (isMine()) break
      const woken = Atomics.waitAsync(cells, me, manner)
      if (woken.async) await woken.value
      if (isMine()) break
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

/** To be called once a thread is gone, by one that is not: what it held is free, and who it was to wake is woken. */
export function leaveTurn(memory: SharedArrayBuffer, thread: number): void {
  const cells = new Int32Array(memory)
  const gone = thread + 1
  Atomics.store(cells, gone, rests)
  const holder = Atomics.load(cells, holderAt)
  if (holder === gone) passFrom(cells, gone)
  else if (holder === nobody) wakeFirst(cells, gone)
  // It may have been handed the turn and not have heard of it. A word too many does no harm.
  else wake(cells, holder)
}

function passFrom(cells: Int32Array, from: number): void {
  const heir = firstAfter(cells, from, [insists])
  Atomics.store(cells, holderAt, heir ?? nobody)
  if (heir !== null) wake(cells, heir)
  // Looked for after the turn is free: whoever begins to wait from now on looks at that again.
  else wakeFirst(cells, from)
}

function wakeFirst(cells: Int32Array, from: number): void {
  const first = firstAfter(cells, from, [waits, insists])
  if (first !== null) wake(cells, first)
}

/** The first after `from`, round and round, that waits in one of these manners. */
function firstAfter(cells: Int32Array, from: number, manners: readonly number[]): number | null {
  const threads = cells.length - 1
  for (let step = 1; step <= threads; step++) {
    const cell = ((from - 1 + step) % threads) + 1
    if (manners.includes(Atomics.load(cells, cell))) return cell
  }
  return null
}

function wake(cells: Int32Array, cell: number): void {
  Atomics.store(cells, cell, rests)
  Atomics.notify(cells, cell, 1)
}
