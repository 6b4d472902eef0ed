/** What an API's machine gives the verifier: time, chance, and the way to the server. Injected, so that tests own all three. */
export interface World {
  /** Milliseconds since 1970. */
  readonly nowMs: () => number
  /** From 0 up to but not including 1: spreads out who comes back after an outage, and proves nothing. */
  readonly chance: () => number
  /** Never the same text twice, anywhere: names an assertion. */
  readonly uniqueId: () => string
  /** Resolves after `ms`, or as soon as `signal` is aborted; never rejects. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>
  readonly fetch: (request: Request) => Promise<Response>
}

/** The machine itself. What waits does not keep a process alive where the runtime can tell the difference. */
export const machineWorld: World = {
  nowMs: () => Date.now(),
  chance: () => Math.random(),
  uniqueId: () => crypto.randomUUID(),
  wait: (ms, signal) =>
    new Promise(resolve => {
      if (signal.aborted) return resolve()
      const done = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      letGo(timer)
      signal.addEventListener('abort', done, { once: true })
    }),
  fetch: request => fetch(request),
}

/** Node and Bun answer timers with a way to say that nobody stays up for them. */
function letGo(timer: number | { readonly unref?: () => unknown }): void {
  if (typeof timer === 'object') timer.unref?.()
}
