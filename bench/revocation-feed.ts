/**
 * `node bench/revocation-feed.ts`: how long after a revocation was acknowledged an API that follows the revocation feed
 * knows of it. Real servers: one on SQLite, whose feed is read at the server that revokes, and two nodes on one
 * PostgreSQL database, whose feed is read at the other one. `--trials N`, `--only sqlite,postgres`.
 */

import { setTimeout as after } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { decodeJwt } from 'jose'
import { systemEntropy } from '../packages/server/src/domain/entropy.ts'
import { formatMasterKeys, masterKeys, newMasterKey } from '../packages/server/src/domain/keys/master-keys.ts'
import type { FeedDocument } from '../packages/server/src/oauth/revocation-feed.ts'
import { databaseOn, sharedCluster } from '../test/postgres/databases.ts'
import { appOf, browserOf, openOffice } from '../test/processes/registered.ts'
import { emptyDirectory, type ServerProcess, startServer } from '../test/processes/server-process.ts'
import { stablePort } from '../test/processes/stable-port.ts'
import type { App } from '../test/stage/app.ts'
import { readFeed } from '../test/stage/feed-reader.ts'
import { type Lifetime, openLifetime } from '../test/stage/lifetime.ts'
import { describeMachine } from './measure/machine.ts'
import { percentile } from './measure/statistics.ts'
import { machineLines, table } from './report.ts'

const engines = ['sqlite', 'postgres'] as const
type Engine = (typeof engines)[number]

interface Deployment {
  readonly data: string
  readonly environment: { readonly [name: string]: string }
  /** Where it is revoked, and where the feed is read. */
  readonly revoking: ServerProcess
  readonly reading: ServerProcess
}

/** Revocations at a time: each begins at a moment of its own. */
const strands = 4
/** Longer than it takes until the feed is looked at again, so that trials begin at any moment between two looks. */
const pauseMsMax = 250

const { values } = parseArgs({
  options: { trials: { type: 'string', default: '1000' }, only: { type: 'string', default: engines.join(',') } },
})
const trials = Number(values.trials)
const rows: string[][] = []
for (const engine of engines.filter(each => values.only.split(',').includes(each))) {
  const lifetime = openLifetime()
  try {
    const latencies = (await measure(lifetime, await deploy(lifetime, engine))).toSorted((a, b) => a - b)
    const at = [0.5, 0.99, 0.999, 1].map(share => percentile(latencies, share).toFixed(0))
    rows.push([engine === 'sqlite' ? 'SQLite' : 'PostgreSQL, two nodes', String(latencies.length), ...at])
  } finally {
    await lifetime.end()
  }
}
console.log(machineLines(describeMachine('.')))
console.log(table(['store', 'trials', 'p50 ms', 'p99 ms', 'p99.9 ms', 'most ms'], rows))

async function deploy(lifetime: Lifetime, engine: Engine): Promise<Deployment> {
  const data = await emptyDirectory(lifetime)
  const key = formatMasterKeys(masterKeys([newMasterKey(systemEntropy(), 1)]))
  if (engine === 'sqlite') {
    const environment = { PAWL_MASTER_KEY: key }
    const server = await startServer(lifetime, { data, environment, workers: 2 })
    return { data, environment, revoking: server, reading: server }
  }
  const database = await databaseOn(await sharedCluster())
  lifetime.after(() => database.drop())
  const environment = { PAWL_MASTER_KEY: key, PAWL_STORE: database.url }
  const node = async (): Promise<ServerProcess> =>
    startServer(lifetime, {
      data: await emptyDirectory(lifetime),
      port: await stablePort(),
      environment,
      flags: ['--issuer', 'http://localhost:7295'],
    })
  return { data, environment, revoking: await node(), reading: await node() }
}

/** From the answer to a revocation to the entry that tells of it, in milliseconds. */
async function measure(lifetime: Lifetime, { data, environment, revoking, reading }: Deployment): Promise<number[]> {
  const office = await openOffice(lifetime, data, environment)
  await office.addUser()
  const shop = appOf(revoking, await office.addClient({ id: 'shop', kind: 'web' }))
  const registered = { id: 'api', kind: 'service', redirectUris: [], audiences: ['https://api.example/'] }
  const told = new Map<string, (atMs: number) => void>()
  const toldLater = (family: string): Promise<number> => new Promise(resolve => told.set(family, resolve))
  const reader = followFeed(appOf(reading, await office.addClient(registered)), told)
  const browser = browserOf(revoking)
  await shop.signIn(browser)
  const latencies: number[] = []
  let begun = 0
  const strand = async (): Promise<void> => {
    while (begun < trials) {
      begun += 1
      const tokens = await shop.signIn(browser)
      const telling = toldLater((decodeJwt(tokens.accessToken)['pawl'] as { readonly fam: string }).fam)
      await after(Math.random() * pauseMsMax)
      const response = await shop.revoke(tokens.refreshToken)
      if (response.status !== 200) throw new Error(`a revocation was answered ${response.status}`)
      const acknowledgedMs = performance.now()
      latencies.push((await telling) - acknowledgedMs)
    }
  }
  await Promise.race([Promise.all(Array.from({ length: strands }, strand)), reader.failed])
  reader.stop()
  return latencies
}

function followFeed(api: App, told: ReadonlyMap<string, (atMs: number) => void>) {
  let isStopped = false
  const follow = async (): Promise<never> => {
    for (let cursor: string | undefined; ; ) {
      const response = await readFeed(api, { cursor })
      if (response.status !== 200) throw new Error(`the feed was answered ${response.status}`)
      const page = (await response.json()) as FeedDocument
      const atMs = performance.now()
      for (const entry of page.entries) if (entry.kind === 'family') told.get(entry.fam)?.(atMs)
      cursor = page.cursor
    }
  }
  const failed = follow().catch((error: unknown) => {
    if (!isStopped) throw error
    return null
  })
  return {
    failed,
    stop: () => {
      isStopped = true
    },
  }
}
