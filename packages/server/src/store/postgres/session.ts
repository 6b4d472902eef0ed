/**
 * One connection to one server. Whatever is asked together goes out together and is answered in order, so nothing inside
 * a transaction waits for this process. A session that breaks, keeps us waiting too long or is warned of something is
 * over: what was under way in it is unknown, and only another session can find out.
 */

import { Client, type QueryArrayConfig } from 'pg'
import type { Row, Statement, Value } from '../sql/sql.ts'
import type { Address } from './addresses.ts'
import type { Prepare } from './dialect.ts'
import { meaningOf, toldOf } from './postgres-error.ts'
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
  /** The same for a script of several statements without parameters; rejects with what the server says against it. */
  readonly run: (script: string) => Promise<void>
  readonly isOpen: () => boolean
  /** Says goodbye; never rejects. */
  readonly end: () => Promise<void>
  /** At once. */
  readonly destroy: () => void
}

/** The outcome of what was sent is unknown. */
export class BrokenSession extends Error {
  /** It was waited for long enough: the server is silent, or its COMMIT waits for a standby that is away. */
  readonly isOverdue: boolean

  constructor(message: string, options: ErrorOptions & { readonly isOverdue?: boolean } = {}) {
    super(message, options)
    this.name = 'BrokenSession'
    this.isOverdue = options.isOverdue ?? false
  }
}

interface Line {
  readonly client: Client
  readonly prepare: Prepare
  open: boolean
  /** What the server said aside since something was last sent. */
  warning: string | null
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
  const line: Line = { client, prepare, open: true, warning: null }
  // What breaks a connection also fails the queries in it; where there are none, the next one finds it closed.
  client.on('error', () => cut(line))
  client.on('end', () => cut(line))
  client.on('notice', ({ message = 'it did not say of what', detail, hint }) => {
    if (!isOnlyAdvice(detail, hint)) line.warning = message
  })
  try {
    await client.connect()
  } catch (error) {
    cut(line)
    throw error
  }
  return {
    ask: statements => ask(line, statements),
    run: async script => {
      await inTime(line, client.query(script))
    },
    isOpen: () => line.open,
    end: () => end(line),
    destroy: () => cut(line),
  }
}

/**
 * A COMMIT that stopped waiting for its standbys says so in a warning, and in its detail that it is there all the same.
 * Warnings with a hint and no detail are about the state of the server, such as tables that want a vacuum.
 */
function isOnlyAdvice(detail: string | undefined, hint: string | undefined): boolean {
  return detail === undefined && hint !== undefined
}

function cut(line: Line): void {
  line.open = false
  line.client.connection.stream.destroy()
}

async function end(line: Line): Promise<void> {
  if (!line.open) return cut(line)
  line.open = false
  await inTime(line, line.client.end()).catch(() => cut(line))
}

async function ask(line: Line, statements: readonly Statement[]): Promise<readonly Reply[]> {
  if (!line.open) throw new BrokenSession('the connection to PostgreSQL is closed')
  line.warning = null
  const { stream } = line.client.connection
  stream.cork()
  const asking = Promise.all(statements.map(statement => askOne(line, statement)))
  stream.uncork()
  try {
    const replies = await inTime(line, asking)
    if (line.warning === null) return replies
    throw new BrokenSession(`PostgreSQL warned while it was writing: ${String(line.warning)}`)
  } catch (error) {
    cut(line)
    throw error
  }
}

async function askOne({ client, prepare }: Line, { text, params }: Statement): Promise<Reply> {
  const { name, text: said } = prepare(text)
  const query: QueryArrayConfig<Value[]> = { name, text: said, values: [...params], rowMode: 'array' }
  try {
    const { rows, rowCount } = await client.query<Value[], Value[]>(query)
    return { rows, count: rowCount ?? 0, failure: null }
  } catch (error) {
    const failure = error instanceof Error ? error : new Error(String(error))
    if (meaningOf(failure) !== 'unknown') return { rows: [], count: 0, failure }
    throw new BrokenSession(`the connection to PostgreSQL broke: ${toldOf(failure)}`)
  }
}

/** Nobody waits longer than the deadline; what is under way then is unknown. */
async function inTime<T>(line: Line, asking: Promise<T>): Promise<T> {
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    cut(line)
  }, answerMsMax)
  try {
    return await asking
  } catch (error) {
    if (isLate) throw new BrokenSession(`PostgreSQL did not answer within ${answerMsMax} ms`, { isOverdue: true })
    throw error
  } finally {
    clearTimeout(timer)
  }
}
