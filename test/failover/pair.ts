/** A primary and one synchronous standby on loopback, looked after by hand as an operator without Patroni would. */

import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import { type Cluster, startCluster } from '../postgres/cluster.ts'
import { ask } from '../postgres/query.ts'
import { startStandby } from '../postgres/standby.ts'
import type { Chance } from '../processes/seeded.ts'
import { type Database, nodeAccount, nodeDatabase } from './database.ts'
import { startSwitch, type Switch } from './switch.ts'

/** How the nodes find the primary: at one address that is led to it, or by trying the addresses of both. */
export type Finding = 'one address' | 'both addresses'

export interface Pair extends Database {
  /** In front of the primary; each server has one of its own where both are tried. */
  readonly address: () => Switch
  /** In front of the other server. */
  readonly standbyAddress: () => Switch
  readonly primary: () => Cluster
  readonly standby: () => Cluster
  /** Makes a primary of the standby and leads the nodes there. There is no standby then. */
  readonly promote: () => Promise<void>
  /** A new synchronous standby of the primary. */
  readonly addStandby: () => Promise<void>
}

/** Gone with the test. */
export async function startPair(test: TestContext, finding: Finding): Promise<Pair> {
  const clusters: Cluster[] = []
  test.after(async () => {
    for (const cluster of clusters) await cluster.remove()
  })
  const kept = (cluster: Cluster): Cluster => {
    clusters.push(cluster)
    return cluster
  }
  let address = await startSwitch(test)
  let other = finding === 'one address' ? address : await startSwitch(test)
  let primary = kept(await startCluster())
  const password = await addDatabase(primary.url)
  let standby = kept(await startStandby(primary))
  const hosts = [...new Set([address, other])].map(({ port }) => `127.0.0.1:${port}`)
  lead(standby)

  function lead(besides: Cluster | null): void {
    if (other !== address) other.leadTo(besides?.port ?? null)
    address.leadTo(primary.port)
  }

  async function promote(): Promise<void> {
    await standby.promote()
    primary = standby
    ;[address, other] = [other, address]
    lead(null)
  }

  async function addStandby(): Promise<void> {
    standby = kept(await startStandby(primary))
    lead(standby)
  }

  return {
    url: `postgres://${nodeAccount}:${password}@${hosts.join()}/${nodeDatabase}`,
    primaryUrl: () => primary.url,
    address: () => address,
    standbyAddress: () => other,
    primary: () => primary,
    standby: () => standby,
    promote,
    addStandby,
    failOver: async chance => {
      const dying = primary
      const isReady = await mayBeReady(standby, chance)
      const killedAtMs = performance.now()
      await dying.kill()
      await promote()
      const primaryMs = performance.now() - killedAtMs
      await addStandby()
      const standbyMs = performance.now() - killedAtMs
      // A server that was killed tidies up what it left in shared memory when it is started once more.
      await dying.start()
      await dying.remove()
      return { killed: `primary, its standby ${isReady ? '' : 'not '}prepared`, primaryMs, standbyMs }
    },
  }
}

/** Answers the password of the nodes' account. */
export async function addDatabase(superuserUrl: string): Promise<string> {
  const password = randomBytes(16).toString('hex')
  await ask(superuserUrl, `CREATE ROLE ${nodeAccount} LOGIN PASSWORD '${password}'`)
  await ask(superuserUrl, `CREATE DATABASE ${nodeDatabase} OWNER ${nodeAccount}`)
  return password
}

/**
 * Half of the standbys are told before they are promoted to wait for standbys of their own, as they should be; the other
 * half would acknowledge alone what the next failure loses, and it is for the nodes to notice.
 */
async function mayBeReady(standby: Cluster, chance: Chance): Promise<boolean> {
  const isReady = chance.below(2) === 0
  if (isReady) {
    await ask(standby.url, `ALTER SYSTEM SET synchronous_standby_names = '*'`)
    await ask(standby.url, 'SELECT pg_reload_conf()')
  }
  return isReady
}
