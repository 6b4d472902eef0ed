/**
 * Faults between a node and PostgreSQL that know what is being said: one statement never arrives, or is carried out in
 * full and its answer never arrives. So a test can lose exactly the answer to a COMMIT: the database has made it durable,
 * and the node was not told.
 */

import type { FaultProxy, Link, Tap } from './fault-proxy.ts'
import {
  asksForReady,
  isReady,
  type Message,
  readBackend,
  readFrontend,
  statementTexts,
  warning,
} from './postgres-messages.ts'

export interface StatementFault {
  /** Matches the text of the statement; its parameters are not part of it. The first one that is met is hit. */
  readonly statement: RegExp
  /** How both ends find out; `sever` tells neither. */
  readonly by: 'cut' | 'reset' | 'sever'
  /** How much of the message, or of the answer, arrives before that. */
  readonly bytesPassed?: number
}

export interface PostgresFaults {
  /** The database never gets the statement. Resolves with it when that has happened. */
  readonly loseStatement: (fault: StatementFault) => Promise<string>
  /** The database carries the statement out and says so, and the node does not hear it. */
  readonly loseAnswer: (fault: StatementFault) => Promise<string>
  /** The answer arrives with a warning in it, as when a standby was not waited for (SQLSTATE 01000). */
  readonly warnInAnswer: (statement: RegExp) => Promise<string>
  /** True while a fault waits for its statement. */
  readonly isWaiting: () => boolean
  /** Every statement that was sent, oldest first: what a test that waits in vain was really waiting for. */
  readonly statements: () => readonly string[]
}

interface Plan {
  readonly statement: RegExp
  readonly hit: 'statement' | 'answer'
  readonly strike: (link: Link, bytes: Buffer) => void
  readonly struck: (statement: string) => void
}

/** Stands in the proxy before the first connection is made, and passes everything on until it is told otherwise. */
export function postgresFaults(proxy: FaultProxy): PostgresFaults {
  const said: string[] = []
  let plan: Plan | null = null

  const take = (hit: Plan['hit'], text: string): Plan | null => {
    if (plan === null || plan.hit !== hit || !plan.statement.test(text)) return null
    const taken = plan
    plan = null
    return taken
  }
  const planned = (hit: Plan['hit'], statement: RegExp, strike: Plan['strike']): Promise<string> => {
    if (plan !== null) throw new Error(`nothing has met ${String(plan.statement)} yet`)
    return new Promise(struck => {
      plan = { statement, hit, strike, struck }
    })
  }
  const lost = (hit: Plan['hit'], { statement, by, bytesPassed = 0 }: StatementFault): Promise<string> =>
    planned(hit, statement, (link, bytes) => {
      const direction = hit === 'statement' ? 'toServer' : 'toClient'
      link.forward(direction, bytes.subarray(0, bytesPassed))
      link[by]()
    })

  proxy.faultAll(link => tapOf(link, take, text => said.push(text)))
  return {
    loseStatement: fault => lost('statement', fault),
    loseAnswer: fault => lost('answer', fault),
    warnInAnswer: statement =>
      planned('answer', statement, (link, bytes) => {
        const notice = warning(
          '01000',
          'The transaction has already committed locally, but might not have been replicated',
        )
        link.forward('toClient', Buffer.concat([notice, bytes]))
      }),
    isWaiting: () => plan !== null,
    statements: () => said,
  }
}

interface Expected {
  readonly plan: Plan | null
  readonly text: string
  /** What has come of an answer that is not passed on as it comes. */
  readonly withheld: Buffer[]
}

function tapOf(link: Link, take: (hit: Plan['hit'], text: string) => Plan | null, said: (text: string) => void): Tap {
  const frontend = readFrontend()
  const backend = readBackend()
  const textOf = statementTexts()
  /** One for each ReadyForQuery that is still to come. */
  const expected: Expected[] = []
  let asked: Expected = { plan: null, text: '', withheld: [] }

  const ask = (message: Message): void => {
    const text = textOf(message)
    if (text !== null) {
      said(text)
      const losing = take('statement', text)
      if (losing !== null) return strike(losing, text, message.bytes)
      asked = { plan: asked.plan ?? take('answer', text), text, withheld: [] }
    }
    link.forward('toServer', message.bytes)
    if (!asksForReady(message)) return
    expected.push(asked)
    asked = { plan: null, text: '', withheld: [] }
  }
  const answer = (message: Message): void => {
    const to = expected[0]
    if (isReady(message)) expected.shift()
    if (to === undefined || to.plan === null) return link.forward('toClient', message.bytes)
    to.withheld.push(message.bytes)
    if (isReady(message)) strike(to.plan, to.text, Buffer.concat(to.withheld))
  }
  const strike = (plan: Plan, text: string, bytes: Buffer): void => {
    plan.strike(link, bytes)
    plan.struck(text)
  }
  return {
    toServer: chunk => frontend(chunk).forEach(ask),
    toClient: chunk => backend(chunk).forEach(answer),
  }
}
