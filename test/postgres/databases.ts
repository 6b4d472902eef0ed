/** Databases of their own for tests, on a cluster that many tests have in common. */

import { randomBytes } from 'node:crypto'
import { startCluster } from './cluster.ts'
import { ask } from './query.ts'

/** A running cluster, whoever started it. */
export interface Running {
  readonly url: string
  readonly version: number
}

export interface Database {
  readonly url: string
  /** Closes what is still connected to it. */
  readonly drop: () => Promise<void>
}

/** The variable in which the test runner hands over the clusters of its run, as `{"18":"postgres://…"}`. */
export const clustersVariable = 'PAWL_TEST_POSTGRES'

const ownClusters = new Map<number | 'any', Promise<Running>>()

/** The runner's cluster of this version, or of the newest; else one of this process, which ends with it. */
export async function sharedCluster(version: number | 'any' = 'any'): Promise<Running> {
  const handed = handedOver().find(running => version === 'any' || running.version === version)
  if (handed !== undefined) return handed
  const own = ownClusters.get(version) ?? startCluster({ version })
  ownClusters.set(version, own)
  return own
}

/** A new database, empty or a copy of a template. */
export async function databaseOn(cluster: { readonly url: string }, template = 'template0'): Promise<Database> {
  const name = `pawl_${randomBytes(8).toString('hex')}`
  // A copy of the files takes a third less than writing all their pages to the log, which is the way for large clusters.
  await ask(cluster.url, `CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY file_copy`)
  const url = new URL(cluster.url)
  url.pathname = name
  return {
    url: url.href,
    drop: async () => {
      await ask(cluster.url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    },
  }
}

/**
 * The name of a database that `fill` has filled, made once on each cluster, as a template for others. Processes that make
 * it at the same time make one each, and all but the first throw theirs away.
 */
export async function templateOn(
  cluster: Running,
  name: string,
  fill: (url: string) => Promise<void>,
): Promise<string> {
  if ((await ask(cluster.url, 'SELECT 1 FROM pg_database WHERE datname = $1', [name])).length === 1) return name
  const { url, drop } = await databaseOn(cluster)
  await fill(url)
  try {
    await ask(cluster.url, `ALTER DATABASE ${new URL(url).pathname.slice(1)} RENAME TO ${name}`)
  } catch (error) {
    if ((error as { readonly code?: string }).code !== duplicateDatabase) throw error
    await drop()
  }
  return name
}

const duplicateDatabase = '42P04'

/** The newest first. */
function handedOver(): readonly Running[] {
  const text = process.env[clustersVariable]
  if (text === undefined || text === '') return []
  const urls = JSON.parse(text) as { readonly [version: string]: string }
  return Object.entries(urls)
    .map(([version, url]) => ({ version: Number(version), url }))
    .sort((one, other) => other.version - one.version)
}
