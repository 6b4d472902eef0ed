/** An application with a backend, one API behind it and a person's browser, before a whole server on a stage. */

import { type CustodyKey, type CustodyStore, custodyKeyFrom, memoryStore } from '@pawl/client'
import { answerBff, type Bff, type BffEvent, type BffOptions } from '@pawl/bff'
import { ClientSecretBasic } from 'oauth4webapi'
import type { Browser } from '../stage/browser.ts'
import type { Lifetime } from '../stage/lifetime.ts'
import { openStage, type Stage } from '../stage/stage.ts'

export const origin = 'https://app.example'
export const api = 'https://api.example'

export interface BffGround {
  readonly stage: Stage
  readonly bff: Bff
  readonly store: CustodyStore
  readonly events: readonly BffEvent[]
  /** What reached the API, and how it answers. */
  readonly reached: Request[]
  answerApi(how: (request: Request, count: number) => Response | Promise<Response>): void
  /** Token requests that the server was sent, by grant type. */
  readonly asked: readonly string[]
  /** Another process of the same application. */
  another(changes?: Partial<BffOptions>): Bff
  /** `answer` is what stands before the backend; by default nothing does. */
  visitor(answer?: Answer): Visitor
}

/** A person's browser: one jar for the application, one for the server. */
export interface Visitor {
  readonly jar: Map<string, string>
  readonly server: Browser
  /** Every answer that the application gave this browser, with its body. */
  readonly received: readonly { readonly response: Response; readonly text: string }[]
  /** As a script of the application asks; null where the application is asked itself. */
  send(path: string, init?: RequestInit): Promise<Response | null>
  /** As the browser navigates, after another site or none. */
  navigate(path: string, site?: string): Promise<Response | null>
  /** From the first click to the callback's page. */
  signIn(returnTo?: string): Promise<Response>
}

export async function openBff(
  lifetime: Lifetime,
  changes: Partial<BffOptions> = {},
  client: object = {},
  away: { readonly now: boolean } = { now: false },
): Promise<BffGround> {
  const stage = await openStage()
  lifetime.after(() => stage.close())
  await stage.addUser()
  const registered = await stage.addClient({
    id: 'app',
    kind: 'bff',
    redirectUris: [`${origin}/bff/callback`],
    firstParty: true,
    ...client,
  })
  const clock = { nowMs: stage.clock.nowMs, wait: pausing(stage) }
  const store = memoryStore(clock)
  const custodyKey: CustodyKey = await custodyKeyFrom(new Uint8Array(32).fill(9))
  const events: BffEvent[] = []
  const reached: Request[] = []
  const asked: string[] = []
  let how: (request: Request, count: number) => Response | Promise<Response> = () => Response.json({ hello: 'world' })
  const another = (more: Partial<BffOptions> = {}) => {
    const bff = answerBff({
      origin,
      server: stage.issuer,
      client: { client_id: 'app' },
      authentication: ClientSecretBasic(registered.secret ?? ''),
      store,
      custodyKey,
      claims: ['email'],
      scope: 'openid email',
      routes: { '/api/': { upstream: `${api}/v1/` } },
      clock,
      fetch: async (url, init) => {
        if (new URL(url).origin === api) {
          const request = new Request(url, init)
          reached.push(request)
          return how(request, reached.length)
        }
        if (url.endsWith('/token'))
          asked.push(new URLSearchParams(init.body as URLSearchParams).get('grant_type') ?? '')
        if (away.now) throw new TypeError('fetch failed')
        return stage.send(url, init)
      },
      onEvent: event => events.push(event),
      ...changes,
      ...more,
    })
    lifetime.after(() => bff.close())
    return bff
  }
  const bff = another()
  return {
    stage,
    bff,
    store,
    events,
    reached,
    asked,
    another,
    answerApi: next => {
      how = next
    },
    visitor: (at = bff) => visitor(stage, at),
  }
}

/** A pause is over at the next turn of the event loop, and its time has passed; a deadline is never reached. */
function pausing({ clock }: Stage) {
  return (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise(resolve => {
      if (ms >= deadlineMsMin) {
        signal?.addEventListener('abort', () => resolve(), { once: true })
        return
      }
      clock.advanceMs(Math.ceil(ms))
      setImmediate(resolve)
    })
}

const deadlineMsMin = 10_000

type Answer = (request: Request) => Promise<Response | null>

function visitor(stage: Stage, bff: Answer): Visitor {
  const jar = new Map<string, string>()
  /** Kept back from navigations that another site began. */
  const strict = new Set<string>()
  const server = stage.browser()
  const received: { response: Response; text: string }[] = []
  const ask = async (path: string, init: RequestInit): Promise<Response | null> => {
    const headers = new Headers(init.headers)
    const isAlien = headers.get('sec-fetch-site') === 'cross-site' && headers.get('sec-fetch-mode') === 'navigate'
    const sent = [...jar].filter(([name]) => !isAlien || !strict.has(name))
    if (sent.length > 0) headers.set('cookie', sent.map(([name, value]) => `${name}=${value}`).join('; '))
    const response = await bff(new Request(`${origin}${path}`, { ...init, headers }))
    if (response === null) return null
    for (const cookie of response.headers.getSetCookie()) {
      keep(jar, cookie)
      if (cookie.includes('SameSite=Strict')) strict.add(cookie.slice(0, cookie.indexOf('=')))
    }
    const isEndless = response.headers.get('content-type') === 'text/event-stream'
    if (!isEndless) received.push({ response, text: await response.clone().text() })
    return response
  }
  const self: Visitor = {
    jar,
    server,
    received,
    send: (path, init = {}) =>
      ask(path, {
        ...init,
        headers: { 'sec-fetch-site': 'same-origin', 'x-bff': '1', ...Object.fromEntries(new Headers(init.headers)) },
      }),
    navigate: (path, site = 'none') => ask(path, { headers: { 'sec-fetch-site': site, 'sec-fetch-mode': 'navigate' } }),
    async signIn(returnTo = '/') {
      const begun = await self.navigate(`/bff/sign-in?return_to=${encodeURIComponent(returnTo)}`, 'same-origin')
      const address = new URL(begun?.headers.get('location') ?? '')
      let page = await server.open(address.pathname + address.search)
      if (page.leftTo === null) page = await server.signIn(page)
      if (page.leftTo === null) page = await server.decide(page, 'allow')
      const back = page.leftTo ?? new URL('about:blank')
      const answer = await self.navigate(back.pathname + back.search, 'cross-site')
      if (answer === null) throw new Error('the callback was not answered')
      return answer
    },
  }
  return self
}

function keep(jar: Map<string, string>, cookie: string): void {
  const [pair = '', ...attributes] = cookie.split('; ')
  const at = pair.indexOf('=')
  if (attributes.includes('Max-Age=0')) jar.delete(pair.slice(0, at))
  else jar.set(pair.slice(0, at), pair.slice(at + 1))
}
