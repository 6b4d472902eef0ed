/** Time as the holder has it: injected, so that a test sleeps eight hours in no time. */
export interface HolderClock {
  /** Milliseconds since 1970, of this machine. */
  nowMs(): number
  /** Resolves after `ms`, or as soon as `signal` is aborted; never rejects. */
  wait(ms: number, signal?: AbortSignal): Promise<void>
}

/** For libraries that take a `Date`. */
export function dateAt(ms: number): Date {
  return new Date(ms)
}

/** The instant a header names (RFC 9110 §5.6.7), or null. */
export function parseInstantMs(header: string | null): number | null {
  const ms = header === null ? Number.NaN : Date.parse(header)
  return Number.isFinite(ms) ? ms : null
}

/** The clock of the machine. What waits does not keep a process alive where the runtime can tell the difference. */
export const machineClock: HolderClock = {
  nowMs: () => Date.now(),
  wait: (ms, signal) =>
    new Promise(resolve => {
      if (signal?.aborted === true) return resolve()
      const done = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal?.addEventListener('abort', done, { once: true })
    }),
}
