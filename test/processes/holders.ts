/**
 * Honest clients that hold a refresh token and never give up: they lose answers, ask twice at once and come again after
 * every failure, and write down what they were told. The ledger knows what nobody may ever be told.
 */

import { type App, retryKey, type Tokens } from '../stage/app.ts'
import type { Ground } from '../stage/browser.ts'
import type { ClientWithSecret } from '../../packages/server/src/admin/clients.ts'
import { appOf, browserOf, type Office } from './registered.ts'
import type { Chance } from './seeded.ts'

/** How a client shows, or does not show, that it may ask again. */
export const manners = ['confidential', 'bare', 'keyed'] as const
export type Manner = (typeof manners)[number]

export interface Ledger {
  readonly acknowledge: (presented: string, answered: string) => void
  readonly refuse: (name: string, answer: Tokens) => void
  /** Sentences; none in a good run. */
  readonly violations: readonly string[]
  /** Tokens that were exchanged, each counted once. */
  readonly rotations: () => number
  /** Answers that came again for a token whose answer was known or lost. */
  readonly answers: () => number
}

export function ledger(): Ledger {
  const successors = new Map<string, string>()
  const predecessors = new Map<string, string>()
  const violations: string[] = []
  let answers = 0
  return {
    violations,
    rotations: () => successors.size,
    answers: () => answers,
    acknowledge: (presented, answered) => {
      answers += 1
      const known = successors.get(presented)
      if (known !== undefined && known !== answered) violations.push('a token has two successors')
      const from = predecessors.get(answered)
      if (from !== undefined && from !== presented) violations.push('a token was the answer to two others')
      successors.set(presented, answered)
      predecessors.set(answered, presented)
    },
    refuse: (name, answer) =>
      violations.push(`${name} was refused with ${answer.status} ${JSON.stringify(answer.body)}`),
  }
}

export interface Holder {
  readonly name: string
  readonly manner: Manner
  readonly registered: ClientWithSecret
  /** The newest token it was told of. */
  token: string
}

/** What holders of every manner are clients of. */
export interface Clients {
  readonly confidential: ClientWithSecret
  readonly phone: ClientWithSecret
}

/** Registers a client of each manner and signs one user in to them, `perManner` families each. */
export async function signedInHolders(office: Office, server: Ground, perManner: number): Promise<Holder[]> {
  await office.addUser()
  return holdersOf(await addClients(office), server, perManner)
}

export async function addClients(office: Office): Promise<Clients> {
  return {
    confidential: await office.addClient({ id: 'shop', kind: 'web', firstParty: true }),
    phone: await office.addClient({ id: 'phone', kind: 'native' }),
  }
}

/** Signs the user in, in a new browser, `perManner` families of each manner. */
export async function holdersOf(clients: Clients, server: Ground, perManner: number): Promise<Holder[]> {
  const browser = browserOf(server)
  const holders: Holder[] = []
  for (const manner of manners) {
    const registered = manner === 'confidential' ? clients.confidential : clients.phone
    const app = appOf(server, registered)
    for (let index = 0; index < perManner; index++) {
      const name = `${manner} ${index}`
      const code = await app.authorize(browser)
      const { refreshToken } = await app.redeem(code, {}, manner === 'keyed' ? retryKey(code.code) : {})
      holders.push({ name, manner, registered, token: refreshToken })
    }
  }
  return holders
}

/** One request with the holder's token, as it would send it each time it sends it. */
export function present(holder: Holder, app: App): Promise<Tokens> {
  return app.refresh(holder.token, {}, holder.manner === 'keyed' ? retryKey(holder.token) : {})
}

export interface Outside {
  /** Resolves where there is somebody to ask. */
  readonly server: { readonly up: () => Promise<Ground> }
  readonly ledger: Ledger
  readonly chance: Chance
  /** Called with each answer that came through, whatever its status. */
  readonly onAnswer: () => void
}

/**
 * Moves the holder on by one generation, however often it takes. Null once it was refused for good, which the ledger
 * then tells.
 */
export async function moveOn(holder: Holder, outside: Outside): Promise<Tokens | null> {
  const habit = outside.chance.below(6)
  if (habit === 0) await Promise.all([askOnce(holder, outside), askOnce(holder, outside)])
  // An answer that arrives and is lost before it is stored: the client crashed, or its disk was full.
  if (habit === 1) await askOnce(holder, outside)
  for (;;) {
    const answer = await askOnce(holder, outside)
    if (answer === null || answer.status >= 500) continue
    if (answer.status !== 200) return null
    holder.token = answer.refreshToken
    return answer
  }
}

/** Null when no answer came: the connection broke or could not be made. */
async function askOnce(holder: Holder, outside: Outside): Promise<Tokens | null> {
  const app = appOf(await outside.server.up(), holder.registered)
  const presented = holder.token
  let answer: Tokens
  try {
    answer = await present(holder, app)
  } catch {
    // Where the server is killed there is no other answer than a broken connection; what it means is what we test.
    return null
  }
  if (answer.status === 200) outside.ledger.acknowledge(presented, answer.refreshToken)
  else if (answer.status < 500) outside.ledger.refuse(holder.name, answer)
  outside.onAnswer()
  return answer
}
