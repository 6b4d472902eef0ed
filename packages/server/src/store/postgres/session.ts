/**
 * One connection to one server. Whatever is asked together goes out together and is answered in order, so nothing inside
 * a transaction waits for this process. A session that breaks, keeps us waiting too long or is told something aside is
 * over: what was under way in it is unknown, and only another session can find out.
 */

import { Client, type QueryArrayResult } from 'pg'
import type { Row, Statement } from '../sql/sql.ts'
import type { Address } from './addresses.ts'
import type { Prepare } from './dialect.ts'
import { codeOf, meaningOf } from './postgres-error.ts'
import { readerOf } from './values.ts'

/** How long a server may take to accept a connection. */
export const connectMsMax = 5000
/** How long everything that was sent together may take, COMMIT and its standbys included. */
export const answerMsMax = 10_000
/** The server gives up a wait for a row before we give up the answer: then it is known that nothing was done. */
export const lockMsMax = 8000
/** A transaction of which the end never arrived must not hold its rows. */
export const brokenTransactionMsMax = 5000
/** How soon a silent peer is asked whether it is there, on either side. */
export const keepAliveMs = 10_000

export interface Reply {
  readonly rows: readonly Row[]
  /** How many rows it changed or answered. */
  readonly count: number
  /** What the server said against the statement, or null. */
  readonly failure: Error | null
}

export interface Session {
  /**
   * Sends all, answers for each. Rejects with `BrokenSession` when that cannot be: then some may have been executed.
   * Never more than one at a time.
   */
  readonly ask: (statements: readonly Statement[]) => Promise<readonly Reply[]>
  /** The same for a script of several statements without parameters. */
  readonly run: (script: string) => Promise<void>
  readonly isOpen: () => boolean
  /** Says goodbye; never rejects. */
  readonly end: () => Promise<void>
  /** At once. */
  readonly destroy: () => void
}

/** The outcome of what was sent is unknown. */
export class BrokenSession extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'BrokenSession'
  }
}

/** Rejects with what went wrong on the way or what the server said. */
export async function openSession(address: Address, prepare: Prepare): Promise<Session> {
  const client = new Client({
    connectionString: address.url,
    application_name: 'pawl',
    pipeline: true,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveMs,
    connectionTimeoutMillis: connectMsMax,
    types: { getTypeParser: readerOf as never },
  })
  const state = { open: true, aside: false }
  const close = (): void => {
    state.open = false
  }
  // What breaks a connection also fails the queries in it, or else the next one finds it closed.
  client.on('error', close)
  client.on('end', close)
  client.on('notice', () => {
    state.aside = true
  })
  try {
    await client.connect()
  } catch (error) {
    client.connection.stream.destroy()
    throw error
  }
  return sessionOn(client, prepare, state)
}

function sessionOn(client: Client, prepare: Prepare, state: { open: boolean; aside: boolean }): Session {
  function destroy(): void {
    state.open = false
    client.connection.stream.destroy()
  }

  async function inTime<T>(asking: Promise<T>): Promise<T> {
    let late = false
    const timer = setTimeout(() => {
      late = true
      destroy()
    }, answerMsMax)
    try {
      return await asking
    } catch (cause) {
      if (late) throw new BrokenSession(`PostgreSQL did not answer within ${answerMsMax} ms`, { cause })
      throw cause
    } finally {
      clearTimeout(timer)
    }
  }

  async function ask(statements: readonly Statement[]): Promise<readonly Reply[]> {
    if (!state.open) throw new BrokenSession('the connection to PostgreSQL is closed')
    state.aside = false
    const { stream } = client.connection
    stream.cork()
    const asking = Promise.all(statements.map(statement => askOne(client, prepare, statement)))
    stream.uncork()
    const replies = await inTime(asking).catch((error: unknown) => {
      destroy()
      throw error
    })
    if (state.aside) {
      destroy()
      throw new BrokenSession('PostgreSQL warned of something while it was writing')
    }
    return replies
  }

  return {
    ask,
    run: async script => {
      await inTime(client.query(script))
    },
    isOpen: () => state.open,
    end: async () => {
      if (!state.open) return destroy()
      state.open = false
      await inTime(client.end()).catch(destroy)
    },
    destroy,
  }
}

async function askOne(client: Client, prepare: Prepare, { text, params }: Statement): Promise<Reply> {
  const query = { ...prepare(text), values: params as unknown[], rowMode: 'array' as const }
  try {
    const { rows, rowCount } = (await client.query(query)) as QueryArrayResult
    return { rows: rows as Row[], count: rowCount ?? 0, failure: null }
  } catch (error) {
    const failure = error instanceof Error ? error : new Error(String(error))
    if (meaningOf(failure) !== 'unknown') return { rows: [], count: 0, failure }
    const code = codeOf(failure)
    const said = code === null ? failure.message : `SQLSTATE ${code}: ${failure.message}`
    throw new BrokenSession(`the connection to PostgreSQL broke: ${said}`)
  }
}
