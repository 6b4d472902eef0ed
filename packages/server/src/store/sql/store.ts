/** A store out of anything that speaks the portable SQL. The driver brings the connection; everything else is here. */

import type { Store } from '../../domain/store.ts'
import { sqlClients } from './clients.ts'
import { sqlConsents } from './consents.ts'
import { sqlCredentials } from './credentials.ts'
import { sqlCutOffs, withSettledCutOffs } from './cut-offs.ts'
import { sqlDeniedAccessTokens } from './denied-access-tokens.ts'
import { sqlDetailsTypes } from './details-types.ts'
import { sqlDeviceRequests } from './device-requests.ts'
import { sqlEvents } from './events.ts'
import { sqlFamilies } from './families.ts'
import { sqlMarks } from './marks.ts'
import { sqlOutbox } from './outbox.ts'
import { sqlPushedRequests } from './pushed-requests.ts'
import { sqlRefusals } from './refusals.ts'
import { sqlRegistrations } from './registrations.ts'
import { sqlResources } from './resources.ts'
import { sqlRevocations } from './revocations.ts'
import { sqlSessions } from './sessions.ts'
import { sqlSigningKeys } from './signing-keys.ts'
import { sqlStatusEntries } from './status-entries.ts'
import { always, bytesAt, type Sql } from './sql.ts'
import { readNowMs, type StoreClock } from './store-clock.ts'
import { createSweeper, type Sweeper } from './sweep.ts'
import { sqlThrottles } from './throttles.ts'
import { sqlUpstreams } from './upstreams.ts'
import { sqlUsers } from './users.ts'

export interface SqlDriver {
  readonly sql: Sql
  readonly clock: StoreClock
  /** Proves that the database can be read and written now. */
  readonly check: () => Promise<void>
  /** Waits for what is being written, then closes the connection. */
  readonly close: () => Promise<void>
}

export function sqlStore(driver: SqlDriver): Store {
  const { clock } = driver
  const sweeper = createSweeper(driver.sql, clock)
  const settled = withSettledCutOffs(driver.sql, clock)
  const sql = sweptSql(settled, sweeper)
  return {
    families: sqlFamilies(settled, clock, sweeper),
    cutOffs: sqlCutOffs(sql, clock),
    clients: sqlClients(sql, clock),
    users: sqlUsers(sql, clock),
    credentials: sqlCredentials(sql, clock),
    upstreams: sqlUpstreams(sql, clock),
    sessions: sqlSessions(sql, clock),
    consents: sqlConsents(sql, clock, sweeper),
    throttles: sqlThrottles(sql, clock),
    signingKeys: sqlSigningKeys(sql),
    deniedAccessTokens: sqlDeniedAccessTokens(sql),
    events: sqlEvents(sql),
    refusals: sqlRefusals(sql, clock),
    marks: sqlMarks(sql),
    pushedRequests: sqlPushedRequests(sql),
    deviceRequests: sqlDeviceRequests(sql, sweeper),
    detailsTypes: sqlDetailsTypes(sql, clock),
    registrations: sqlRegistrations(sql, clock),
    outbox: sqlOutbox(sql),
    resources: sqlResources(sql, clock),
    statusEntries: sqlStatusEntries(sql, clock),
    revocations: sqlRevocations(sql, clock),
    now: () => readNowMs(sql, clock),
    setting: (name, fresh) => setting(sql, name, fresh),
    check: async () => {
      await driver.check()
      sweeper.complain()
    },
    close: async () => {
      await sweeper.rest()
      await driver.close()
    },
  }
}

/** Families pay for the sweep by themselves; every other write pays here. */
function sweptSql(sql: Sql, sweeper: Sweeper): Sql {
  return {
    read: statement => sql.read(statement),
    write: async unit => {
      const outcome = await sql.write(unit)
      sweeper.wrote()
      return outcome
    },
    writeReturning: async statement => {
      const rows = await sql.writeReturning(statement)
      sweeper.wrote()
      return rows
    },
  }
}

/**
 * What is there already is only read, so that a command that changes nothing writes nothing. Nothing is acknowledged by
 * that alone: what is acknowledged later is written after it, and makes it durable too.
 */
async function setting(sql: Sql, name: string, fresh: Uint8Array): Promise<Uint8Array> {
  const read = { text: 'SELECT value FROM settings WHERE name = $1', params: [name] }
  const known = await sql.read(read)
  if (known[0] !== undefined) return bytesAt(known[0], 0)
  const text = 'INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING'
  await sql.write(always([{ text, params: [name, fresh] }]))
  const first = (await sql.read(read))[0]
  if (first === undefined) throw new TypeError(`setting ${name} was just written and is not there`)
  return bytesAt(first, 0)
}
