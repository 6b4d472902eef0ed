/**
 * A network that fails on purpose, in front of any `fetch`: of `flakyServer`, of a server in this process, or of a real
 * one. Faults have names and come when they are asked for, or by a seed. What was asked is recorded, without secrets.
 */

import type { Fetch } from '../holder/holder.ts'
import { httpDate } from './http-date.ts'
import type { SeededChance } from './seeded-chance.ts'
import type { VirtualClock } from './virtual-clock.ts'

/**
 * `lose-request`: the connection breaks before the server has it. `lose-response`: after the server did its work.
 * `crash-after-rotate`: the same, and nobody listens for a while. `hang`: no answer, ever. `slow`: a late answer.
 * `503`, `429`: refused before any work, with a Retry-After in the second two. `html-instead-of-json`: the page of a
 * proxy. `broken-json`: half an answer after the server did its work. `wrong-issuer`: metadata of somebody else.
 * `no-refresh-token`: an answer without one. `date-skew`: the server's clock is ahead by ten minutes.
 */
export const networkFaults = [
  'lose-request',
  'lose-response',
  'crash-after-rotate',
  'hang',
  'slow',
  '503',
  '503-retry-after',
  '429',
  'html-instead-of-json',
  'broken-json',
  'wrong-issuer',
  'no-refresh-token',
  'date-skew',
] as const
export type NetworkFault = (typeof networkFaults)[number]

export const slowAnswerMs = 8000
export const crashMs = 2500
export const retryAfterSeconds = 7
export const skewMs = 600_000

/** One request as it is remembered: nothing in it can be used. */
export interface SeenRequest {
  /** The last part of the path: `token`, `revoke`, `api` …, or `metadata`. */
  readonly to: string
  /** Of a token request, `refresh_token` and so on; else the HTTP method. */
  readonly grantType: string
  readonly atMs: number
  readonly fault: NetworkFault | null
  readonly hasRetryKey: boolean
  readonly hasProof: boolean
  /** What the server answered, whether or not it arrived; null when it never heard of it. */
  readonly status: number | null
}

export interface FlakyNetwork {
  readonly fetch: Fetch
  readonly requests: readonly SeenRequest[]
  /** How many refreshes were asked for; what faults kept from the server counts. */
  refreshes(): number
  /** The next `times` requests to `to` (`token` if nothing else is said) meet this fault, after those asked for before. */
  fault(fault: NetworkFault, options?: { readonly to?: string; readonly times?: number }): void
  /** From now on every request to the token endpoint meets one of `faults` in this share of all cases. */
  faultByChance(chance: SeededChance, share: number, faults: readonly [NetworkFault, ...NetworkFault[]]): void
  /** No further faults. */
  heal(): void
}

export function flakyNetwork(clock: VirtualClock, inner: Fetch): FlakyNetwork {
  const requests: SeenRequest[] = []
  const plan = faultPlan(clock)

  const fetch: Fetch = async (input, init) => {
    const to = destinationOf(input)
    const fault = plan.next(to)
    const at = requests.length
    const see = (status: number | null): void => {
      requests[at] = { ...seen(to, init), atMs: clock.nowMs(), fault, status }
    }
    see(null)
    const reach = async (): Promise<Response> => {
      const answer = await clock.during(() => inner(input, init))
      see(answer.status)
      return answer
    }
    const answer = await unlessAborted(init.signal ?? null, meet(fault, clock, reach))
    if (fault !== 'crash-after-rotate') return answer
    plan.goDown()
    throw broken()
  }

  return {
    fetch,
    requests,
    refreshes: () => requests.filter(({ grantType }) => grantType === 'refresh_token').length,
    fault: plan.fault,
    faultByChance: plan.faultByChance,
    heal: plan.heal,
  }
}

interface FaultPlan extends Pick<FlakyNetwork, 'fault' | 'faultByChance' | 'heal'> {
  next(to: string): NetworkFault | null
  /** From now on, and for a while, nobody listens. */
  goDown(): void
}

function faultPlan(clock: VirtualClock): FaultPlan {
  const planned: { readonly to: string; readonly fault: NetworkFault }[] = []
  let byChance: ((to: string) => NetworkFault | null) | null = null
  let downUntilMs = Number.NEGATIVE_INFINITY
  return {
    next: to => {
      if (clock.nowMs() < downUntilMs) return 'lose-request'
      const index = planned.findIndex(each => each.to === to)
      const [found] = index < 0 ? [] : planned.splice(index, 1)
      return found?.fault ?? byChance?.(to) ?? null
    },
    goDown: () => {
      downUntilMs = clock.nowMs() + crashMs
    },
    fault: (fault, { to = 'token', times = 1 } = {}) => {
      for (let count = 0; count < times; count++) planned.push({ to, fault })
    },
    faultByChance: (chance, share, faults) => {
      byChance = to => (to === 'token' && chance.happens(share) ? chance.one(faults) : null)
    },
    heal: () => {
      planned.length = 0
      byChance = null
      downUntilMs = Number.NEGATIVE_INFINITY
    },
  }
}

async function meet(
  fault: NetworkFault | null,
  clock: VirtualClock,
  reach: () => Promise<Response>,
): Promise<Response> {
  switch (fault) {
    case null:
    case 'crash-after-rotate':
      return reach()
    case 'lose-request':
      throw broken()
    case 'lose-response':
      await reach()
      throw broken()
    case 'hang':
      return new Promise(() => {})
    case 'slow': {
      const answer = await reach()
      await clock.wait(slowAnswerMs)
      return answer
    }
    case '503':
      return new Response('try again', { status: 503 })
    case '503-retry-after':
    case '429':
      return new Response('try again', {
        status: fault === '429' ? 429 : 503,
        headers: { 'retry-after': String(retryAfterSeconds) },
      })
    case 'html-instead-of-json':
      return new Response('<!doctype html><title>Welcome</title>', { headers: { 'content-type': 'text/html' } })
    case 'broken-json': {
      const text = await (await reach()).text()
      return new Response(text.slice(0, text.length / 2), { headers: { 'content-type': 'application/json' } })
    }
    case 'wrong-issuer':
      return changed(await reach(), body => ({ ...body, issuer: 'https://somebody-else.example' }))
    case 'no-refresh-token':
      return changed(await reach(), body => ({ ...body, refresh_token: undefined }))
    case 'date-skew': {
      const answer = await reach()
      const headers = new Headers(answer.headers)
      headers.set('date', httpDate(clock.nowMs() + skewMs))
      return new Response(answer.body, { status: answer.status, headers })
    }
  }
}

async function changed(
  answer: Response,
  change: (body: { [name: string]: unknown }) => { [name: string]: unknown },
): Promise<Response> {
  const body = (await answer.json()) as { [name: string]: unknown }
  return Response.json(change(body), { status: answer.status })
}

/** As the fetch of a platform: whoever gave up is told so at once, and the server may go on. */
function unlessAborted(signal: AbortSignal | null, work: Promise<Response>): Promise<Response> {
  if (signal === null) return work
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

function broken(): TypeError {
  return new TypeError('fetch failed')
}

/** The last part of the path, or `metadata`. */
export function destinationOf(url: string): string {
  const { pathname } = new URL(url)
  return pathname.startsWith('/.well-known/') ? 'metadata' : (pathname.split('/').at(-1) ?? '')
}

function seen(to: string, init: RequestInit): Omit<SeenRequest, 'atMs' | 'fault' | 'status'> {
  const headers = new Headers(init.headers)
  const { method = 'GET', body } = init
  const fields = body instanceof URLSearchParams || typeof body === 'string' ? new URLSearchParams(body) : null
  return {
    to,
    grantType: fields?.get('grant_type') ?? method,
    hasRetryKey: headers.has('idempotency-key'),
    hasProof: headers.has('dpop'),
  }
}
