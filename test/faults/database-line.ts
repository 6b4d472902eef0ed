/** A server whose way to its database fails as told, clients of each manner, and an office with a way of its own. */

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { EventKind } from '../../packages/server/src/domain/event/event.ts'
import { type FaultProxy, faultProxy } from '../network/fault-proxy.ts'
import { type PostgresFaults, postgresFaults } from '../network/postgres-faults.ts'
import { environmentOf, freshDatabase, nodesIssuer } from '../nodes/nodes.ts'
import { type Holder, ledger, type Ledger, present, signedInHolders } from '../processes/holders.ts'
import { familyIdIn, generationIn } from '../processes/inside-token.ts'
import { appOf, type Office, openOffice } from '../processes/registered.ts'
import { emptyDirectory, type ServerProcess, startServer } from '../processes/server-process.ts'
import { stablePort } from '../processes/stable-port.ts'
import type { App, Tokens } from '../stage/app.ts'

export interface DatabaseLine {
  readonly server: ServerProcess
  readonly office: Office
  /** Past the proxy, as superuser. */
  readonly databaseUrl: string
  readonly proxy: FaultProxy
  readonly faults: PostgresFaults
  /** One of each manner. */
  readonly holders: readonly Holder[]
  readonly kept: Ledger
}

export interface DatabaseLineOptions {
  /** For the server alone: another account than the superuser's, say. */
  readonly serverUrl?: (url: URL, databaseUrl: string) => Promise<void>
  readonly connections?: number
}

/** How often somebody asks again who is told to come back later, before the server is taken to be lost. */
const attemptsMax = 20_000

export async function openDatabaseLine(
  test: TestContext,
  { serverUrl, connections = 4 }: DatabaseLineOptions = {},
): Promise<DatabaseLine> {
  const databaseUrl = await freshDatabase(test)
  const behind = new URL(databaseUrl)
  const proxy = await faultProxy(test, Number(behind.port))
  const faults = postgresFaults(proxy)
  const direct = environmentOf(databaseUrl)
  behind.port = String(proxy.port)
  await serverUrl?.(behind, databaseUrl)
  const environment = {
    ...direct,
    PAWL_STORE: behind.href,
    PAWL_STORE_CONNECTIONS: String(connections),
    // A code outlasts the longest wait for a silent database, on a busy machine too.
    PAWL_CODE_SECONDS: '600',
  }
  const site = { data: await emptyDirectory(test), port: await stablePort() }
  const server = await startServer(test, { ...site, flags: ['--issuer', nodesIssuer], environment })
  const office = await openOffice(test, await emptyDirectory(test), direct)
  const holders = await signedInHolders(office, server, 1)
  return { server, office, databaseUrl, proxy, faults, holders, kept: ledger() }
}

export function appFor({ server }: DatabaseLine, { registered }: Holder): App {
  return appOf(server, registered)
}

/** A server that cannot know says so, and when to come back. */
export function assertUnknown({ status, headers }: Pick<Tokens, 'status' | 'headers'>, about = 'unknown'): void {
  assert.equal(status, 503, about)
  assert.ok(Number(headers.get('retry-after')) > 0, about)
  assert.equal(headers.get('cache-control'), 'no-store', about)
}

/** Asks with the holder's token, again after every 503, until it moves on. Answers how often it was told 503. */
export async function movesOn(line: DatabaseLine, holder: Holder, about?: string): Promise<number> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const answer = await present(holder, appFor(line, holder))
    if (answer.status === 200) {
      line.kept.acknowledge(holder.token, answer.refreshToken)
      holder.token = answer.refreshToken
      return attempt
    }
    assertUnknown(answer, `${holder.name} was refused ${about ?? ''}: ${JSON.stringify(answer.body)}`)
  }
  throw new Error(`${holder.name} was told to come back ${attemptsMax} times`)
}

const endings: readonly EventKind[] = ['token_reused', 'family_ended', 'token_ahead']
const eventsMax = 10_000

/** I1 to I6 as far as they can be seen from here: what was acknowledged is current, and nobody was taken for a thief. */
export async function provesUnharmed(line: DatabaseLine): Promise<void> {
  assert.deepEqual(line.kept.violations, [])
  for (const holder of line.holders) await standsAt(line, holder)
  const events = await line.office.workbench.store.events.latest(eventsMax)
  assert.deepEqual(
    events.filter(({ kind }) => endings.includes(kind)),
    [],
  )
  for (const holder of line.holders) {
    await movesOn(line, holder)
    await movesOn(line, holder)
    await standsAt(line, holder)
  }
}

/** The row has moved exactly as far as the holder was told. */
export async function standsAt({ office }: DatabaseLine, { name, token }: Holder, about = ''): Promise<void> {
  const reading = await office.workbench.store.families.read(familyIdIn(token))
  assert.deepEqual([reading?.family.generation, reading?.family.end], [generationIn(token), null], `${name} ${about}`)
}
