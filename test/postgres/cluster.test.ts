import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type Cluster, type ClusterOptions, startCluster } from './cluster.ts'
import { databaseOn, sharedCluster } from './databases.ts'
import { findInstallations } from './installations.ts'
import { runningProcesses } from './process-table.ts'
import { ask } from './query.ts'
import { startStandby } from './standby.ts'

const goneMsMax = 120_000

for (const { major, version, origin } of findInstallations()) {
  describe(`a cluster of PostgreSQL ${version} (${origin})`, () => {
    const options = { version: major }

    it('answers as the version it says, and is durable', async test => {
      const cluster = await clusterOf(test, options)

      const [row] = await ask(cluster.url, durability)

      assert.deepEqual(row, { major: cluster.version, fsync: 'on', commit: 'on' })
      assert.equal(cluster.version, major)
    })

    it('loses nothing acknowledged when it is killed, and comes back on the same port', async test => {
      const cluster = await clusterOf(test, options)
      await ask(cluster.url, 'CREATE TABLE kept (n int)')
      await ask(cluster.url, 'INSERT INTO kept VALUES (1)')

      await cluster.kill()
      await assert.rejects(ask(cluster.url, 'SELECT 1'), { code: 'ECONNREFUSED' })
      await cluster.start()

      assert.deepEqual(await ask(cluster.url, 'SELECT n FROM kept'), [{ n: 1 }])
    })

    it('has a standby that holds every commit, and takes over', async test => {
      const primary = await clusterOf(test, options)
      await ask(primary.url, 'CREATE TABLE kept (n int)')
      const standby = await startStandby(primary)
      test.after(() => standby.remove())
      await ask(primary.url, 'INSERT INTO kept VALUES (1)')

      await primary.kill()
      await standby.promote()
      await ask(standby.url, 'INSERT INTO kept VALUES (2)')

      assert.deepEqual(await ask(standby.url, 'SELECT n FROM kept ORDER BY n'), [{ n: 1 }, { n: 2 }])
    })

    it('lets a new standby follow the one that took over', async test => {
      const primary = await clusterOf(test, options)
      const second = await startStandby(primary)
      test.after(() => second.remove())
      await primary.kill()
      await second.promote()
      const third = await startStandby(second)
      test.after(() => third.remove())

      await ask(second.url, 'CREATE TABLE kept (n int)')

      assert.deepEqual(await ask(third.url, 'SELECT n FROM kept'), [])
    })
  })
}

describe('a cluster', () => {
  it('goes with its process, however that ends', async () => {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const child = spawn(process.execPath, ['--input-type=module', '--eval', holder], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
      const { pid, directory } = JSON.parse(line) as { readonly pid: number; readonly directory: string }

      child.kill(signal)

      await until(() => !existsSync(directory) && !runningProcesses().some(one => one.pid === pid))
    }
  })

  it('says what its log says when it does not start', async () => {
    await assert.rejects(
      startCluster({ settings: { shared_buffers: 'plenty' } }),
      /invalid value for parameter "shared_buffers"/,
    )
  })

  it('gives databases that know nothing of one another', async () => {
    const cluster = await sharedCluster()
    const [one, other] = [await databaseOn(cluster), await databaseOn(cluster)]
    await ask(one.url, 'CREATE TABLE mine (n int)')

    await assert.rejects(ask(other.url, 'SELECT n FROM mine'), /does not exist/)

    await one.drop()
    await other.drop()
    await assert.rejects(ask(one.url, 'SELECT 1'), /does not exist/)
  })
})

const durability = `SELECT current_setting('server_version_num')::int / 10000 AS major, current_setting('fsync') AS fsync,
  current_setting('synchronous_commit') AS commit`

const holder = `
import { startCluster } from ${JSON.stringify(new URL('cluster.ts', import.meta.url).href)}
const { directory } = await startCluster()
const { readFileSync } = await import('node:fs')
const pid = Number.parseInt(readFileSync(directory + '/data/postmaster.pid', 'utf8'), 10)
console.log(JSON.stringify({ pid, directory }))
setInterval(() => {}, 1000)
`

async function clusterOf(test: TestContext, options: ClusterOptions): Promise<Cluster> {
  const cluster = await startCluster(options)
  test.after(() => cluster.remove())
  return cluster
}

async function until(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + goneMsMax
  while (!isSo()) {
    assert.ok(performance.now() < deadline, `not so within ${goneMsMax} ms`)
    await pause(20)
  }
}
