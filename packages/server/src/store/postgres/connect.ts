/**
 * From a URL to a session that may be trusted: of its servers that take writes the one that was promoted last, set as we
 * need it, its version and its durability read back. Every connection is made this way, because after a failover the same
 * name and port may be another server.
 */

import { setTimeout } from 'node:timers/promises'
import { StoreRefused, StoreUnavailable } from '../../domain/store.ts'
import type { Statement } from '../sql/sql.ts'
import type { Address } from './addresses.ts'
import type { Prepare } from './dialect.ts'
import { type Durability, type DurabilityNeeds, durabilityText, lossesOf, parseDurability } from './durability.ts'
import { type Lineage, lineageIn, lineageKept, lineageMemory, type LineageMemory, lineageStatement } from './lineage.ts'
import { refusalOf } from './door.ts'
import { isFull, toldOf, unavailable } from './postgres-error.ts'
import { brokenTransactionMsMax, keepAliveMs, lockMsMax, openSession, type Session } from './session.ts'

export interface Connecting {
  readonly addresses: readonly Address[]
  readonly prepare: Prepare
  readonly needs: DurabilityNeeds
  /** Takes what would be refused, and says so. */
  readonly allowLosingRotations: boolean
  readonly report: (warning: string) => void
}

interface Remembering extends Connecting {
  readonly memory: LineageMemory
}

/** A session, and what its server was when it was found good. */
export interface Trusted {
  readonly session: Session
  readonly durability: string
  readonly backend: Backend
  /**
   * False once a later connection of this process has led to another server, or has met one that was promoted since, or
   * once one of these was distrusted: nothing is read from the old one any more.
   */
  readonly isCurrent: () => boolean
  /** It was found broken. Whatever that was may have happened to all that lead to the same server. */
  readonly distrust: () => void
}

/** The process that serves a session. A number comes again, the time of its start does not. */
interface Backend {
  readonly pid: number
  readonly startedAt: string
}

/** Connects; `lost` is the connection that this one takes the place of. */
export type Connect = (lost: Trusted | null) => Promise<Trusted>

export const oldestVersion = 15
/** How long the other servers of a URL have to say that they were promoted later than the one that answered first. */
export const contradictionMsMax = 500

/**
 * The plan of every statement is fixed, whatever the statistics say: a look-up by key, also on the day the table was
 * empty a minute ago. Planning afresh would cost more than executing does, and compiling to machine code a hundred times
 * that.
 */
export const planSettings = `SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET jit = off`

/** Nothing may cut a COMMIT short, and what we lose touch with must let go of its rows. */
const sessionSettings = `SET client_min_messages = warning;
SET statement_timeout = 0;
SET lock_timeout = ${lockMsMax};
SET idle_in_transaction_session_timeout = ${brokenTransactionMsMax};
SET default_transaction_isolation = 'read committed';
SET default_transaction_deferrable = off;
SET bytea_output = hex;
${planSettings};
SET tcp_keepalives_idle = ${keepAliveMs / 1000};
SET tcp_keepalives_interval = ${keepAliveMs / 1000};
SET tcp_keepalives_count = 3`

const serverText = `SELECT current_setting('server_version_num')::int, current_setting('server_encoding'),
pg_postmaster_start_time()::text, pid, backend_start::text
FROM pg_stat_activity WHERE pid = pg_backend_pid()`

/** Never below what makes an answer durable; more, where the operator wants more. */
const raiseCommitText = `SELECT set_config('synchronous_commit',
CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)`

/**
 * What this process has lost touch with may still wait for its standby, with its rows held; nobody will hear of it. Left
 * alone, such processes would use up the server's connections.
 */
const endLostText = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_start::text = $2`

/**
 * The way to the servers. Rejects with `StoreRefused` where a server was found that would lose what it acknowledges, or
 * that knows no such user or database, and with `StoreUnavailable` where none answers that takes writes.
 */
export function connector(connecting: Connecting): Connect {
  let currentServer = ''
  let distrusted = 0
  const report = eachOnce(connecting.report)
  const memory = lineageMemory()
  return async lost => {
    const distrustedBefore = distrusted
    const { server, lineage, ...found } = await lastPromoted({ ...connecting, report, memory })
    currentServer = server
    if (lost !== null) await endLost(found.session, lost.backend)
    const isCurrent = (): boolean =>
      currentServer === server && distrusted === distrustedBefore && !memory.isPast(lineage)
    // Where many break at once, what took the place of the first is not what broke.
    return { ...found, isCurrent, distrust: () => void (distrusted += isCurrent() ? 1 : 0) }
  }
}

/** Of so many warnings it is known that they were told; then they are told again. */
export const warningsToldMax = 100

/** Every connection finds the same. */
export function eachOnce(report: (warning: string) => void): (warning: string) => void {
  const told = new Set<string>()
  return warning => {
    if (told.has(warning)) return
    if (told.size >= warningsToldMax) told.clear()
    told.add(warning)
    report(warning)
  }
}

interface Found extends Omit<Trusted, 'isCurrent' | 'distrust'> {
  readonly server: string
  readonly lineage: Lineage | null
}

interface Asked {
  readonly name: string
  readonly found: Found | null
  readonly error: unknown
}

async function lastPromoted(connecting: Remembering): Promise<Found> {
  const asked = await askAll(connecting)
  // What was heard since may say that a server is of the past which seemed good when it answered.
  const [first, ...others] = asked
    .flatMap(({ found }) => found ?? [])
    .toSorted((one, other) => Number(isPast(one, connecting)) - Number(isPast(other, connecting)))
  for (const { session } of others) session.destroy()
  if (first !== undefined && !isPast(first, connecting)) return first
  first?.session.destroy()
  const refusal = asked.find(({ error }) => error instanceof StoreRefused)
  if (refusal !== undefined) throw refusal.error
  const said = asked.map(({ name, error }) => `${name}: ${toldOf(error)}`)
  const cause = asked.find(({ error }) => isFull(error))?.error
  throw new StoreUnavailable(`no PostgreSQL server that takes writes answers (${said.join('; ')})`, { cause })
}

function isPast({ lineage }: Found, { memory }: Remembering): boolean {
  return memory.isPast(lineage)
}

/**
 * Asks all addresses at once. Once one has answered well the others have a moment to contradict it: where an old primary
 * takes writes too, it must not win by being quicker. Who comes too late is left.
 */
async function askAll(connecting: Remembering): Promise<readonly Asked[]> {
  const heard: Asked[] = []
  let isOver = false
  const asking = connecting.addresses.map(async address => {
    const asked = await askOne(address, connecting)
    if (isOver) asked.found?.session.destroy()
    else heard.push(asked)
    return asked.found !== null
  })
  const all = Promise.all(asking)
  await new Promise<unknown>((resolve, reject) => {
    for (const one of asking) one.then(isGood => isGood && resolve(isGood)).catch(reject)
    all.then(resolve).catch(reject)
  })
  if (heard.length < asking.length) await withinMoment(all)
  isOver = true
  return heard
}

/** Never rejects. */
function askOne(address: Address, connecting: Remembering): Promise<Asked> {
  const { name } = address
  return connectTo(address, connecting).then(
    found => ({ name, found, error: null }),
    (error: unknown) => ({ name, found: null, error }),
  )
}

async function withinMoment(settled: Promise<unknown>): Promise<void> {
  const moment = new AbortController()
  const over = setTimeout(contradictionMsMax, undefined, { signal: moment.signal }).catch(() => undefined)
  await Promise.race([settled, over])
  moment.abort()
}

async function connectTo(address: Address, connecting: Remembering): Promise<Found> {
  const session = await openSession(address, connecting.prepare).catch((error: unknown) => {
    throw refusalOf(error) ?? error
  })
  try {
    await session.run(sessionSettings)
    return { session, ...(await inspect(session, address, connecting)) }
  } catch (error) {
    session.destroy()
    throw error
  }
}

/** One that ends by itself in that moment is warned of, and a warning ends a session. */
function hearWarnings(level: 'error' | 'warning'): Statement {
  return { text: "SELECT set_config('client_min_messages', $1, false)", params: [level] }
}

async function endLost(session: Session, { pid, startedAt }: Backend): Promise<void> {
  const end: Statement = { text: endLostText, params: [pid, startedAt] }
  await session.ask([hearWarnings('error'), end, hearWarnings('warning')]).catch((error: unknown) => {
    throw unavailable(error)
  })
}

async function inspect(session: Session, address: Address, connecting: Remembering): Promise<Omit<Found, 'session'>> {
  const [told, found, descent] = await session.ask([
    { text: serverText, params: [] },
    { text: durabilityText, params: [] },
    lineageStatement,
  ])
  const [version, encoding, server, pid, startedAt] = told?.rows[0] ?? []
  refuseUnfit(Number(version), String(encoding))
  const kept = lineageKept(descent)
  if (kept !== null) connecting.report(kept)
  const lineage = lineageIn(descent)
  refusePast(lineage, address, connecting)
  const durability = await refuseLosses(session, String(found?.rows[0]?.[0]), connecting)
  const backend = { pid: Number(pid), startedAt: String(startedAt) }
  return { durability, server: String(server), lineage, backend }
}

/**
 * Answers the settings as they stand once the session is set, and as they were judged: later batches are compared with
 * them, so what somebody changed between the two readings must not become what is good.
 */
async function refuseLosses(session: Session, durability: string, connecting: Connecting): Promise<string> {
  judgeDurability(durability, connecting)
  if (connecting.allowLosingRotations) return durability
  const [, raised] = await session.ask([
    { text: raiseCommitText, params: [] },
    { text: durabilityText, params: [] },
  ])
  const settled = String(raised?.rows[0]?.[0])
  judgeDurability(settled, connecting)
  return settled
}

function judgeDurability(durability: string, { needs, allowLosingRotations, report }: Connecting): void {
  const settings = parseDurability(durability)
  refuseStandby(settings)
  const losses = lossesOf(settings, needs)
  if (allowLosingRotations) for (const loss of losses) report(loss)
  else if (losses.length > 0) throw new StoreRefused(losses.join(' '))
}

function refuseUnfit(versionNumber: number, encoding: string): void {
  const major = Math.floor(versionNumber / 10_000)
  if (!(major >= oldestVersion)) {
    throw new StoreRefused(`The database is PostgreSQL ${major}: use version ${oldestVersion} or a later one.`)
  }
  if (encoding !== 'UTF8') {
    throw new StoreRefused(`The database keeps text as ${encoding}: make one with createdb --encoding UTF8.`)
  }
}

/** Nothing that decides is read from a primary of old either. Whoever operates the servers should hear of it. */
function refusePast(lineage: Lineage | null, { name }: Address, { memory, report }: Remembering): void {
  const past = memory.judge(lineage)
  if (past === null) return
  report(`The database server ${name} is not used: ${past}.`)
  throw new StoreUnavailable(past)
}

/** Nothing that decides is read from a standby: a revocation may not have reached it. */
function refuseStandby({ recovering, readOnly }: Durability): void {
  if (recovering) throw new StoreUnavailable('it is a standby')
  if (readOnly) throw new StoreUnavailable('it takes no writes (default_transaction_read_only = on)')
}

/** What an open store says where opening one would have been refused: the settings were right once. */
export function asUnavailable(error: unknown): StoreUnavailable {
  return error instanceof StoreRefused ? new StoreUnavailable(error.message) : unavailable(error)
}
