/** How a server begins on PostgreSQL, what it does without it, and that the password of the database is told to nobody. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { type Cluster, startCluster } from './cluster.ts'
import { databaseOn, sharedCluster } from './databases.ts'
import { emptyDirectory, type Output, runPawl, type ServerProcess, startServer } from '../processes/server-process.ts'
import { stablePort } from '../processes/stable-port.ts'

const production = ['--issuer', 'https://login.example']
const goodKey = 'q1UaX7mDkz0Yf3Rw9LhSeVt5Nc2BoPj8GxEi4KuHdZs'
const workers = 2

async function freshDatabase(test: TestContext): Promise<string> {
  const { url, drop } = await databaseOn(await sharedCluster())
  test.after(drop)
  return url
}

async function serve(test: TestContext, store: string, flags: readonly string[] = []): Promise<Output> {
  const words = ['serve', '--json', '--port', '0', '--data', await emptyDirectory(test), ...flags]
  const output = await runPawl(words, { environment: { PAWL_STORE: store, PAWL_MASTER_KEY: goodKey } })
  assert.equal(output.stdout, '', 'a server that does not start says nothing on stdout')
  const password = decodeURIComponent(new URL(store).password)
  assert.ok(password !== '' && !output.stderr.includes(password), 'the password is told')
  return output
}

describe('a server on PostgreSQL', () => {
  it('ends with 4 where no database answers', async test => {
    const port = await stablePort()
    const { code, stderr } = await serve(test, `postgres://pawl:h0rse-battery@127.0.0.1:${port}/pawl`)
    assert.equal(code, 4)
    assert.match(stderr, /ECONNREFUSED/)
  })

  it('ends with 3, and says what to change, where the database would lose what it answered', async test => {
    const { code, stderr } = await serve(test, await freshDatabase(test), ['--sync-standbys', '1'])
    assert.equal(code, 3)
    assert.match(stderr, /^PostgreSQL waits for 0 synchronous standbys and 1 are needed: name them/)
  })

  it('may be told to take such a database in development, loudly, and never in production', async test => {
    const store = await freshDatabase(test)
    const lax = ['--sync-standbys', '1', '--allow-losing-rotations']
    const environment = { PAWL_STORE: store }
    const server = await startServer(test, { data: await emptyDirectory(test), flags: lax, environment })
    assert.match(server.stderr(), /waits for 0 synchronous standbys/)
    const { code, stderr } = await serve(test, store, [...lax, ...production])
    assert.equal(code, 3)
    assert.match(stderr, /--allow-losing-rotations is for development/)
  })

  it('takes no password on the command line of a production server', async test => {
    const store = await freshDatabase(test)
    const words = ['serve', '--port', '0', '--data', await emptyDirectory(test), '--store', store, ...production]
    const { code, stderr } = await runPawl(words, { environment: { PAWL_MASTER_KEY: goodKey } })
    assert.equal(code, 3)
    assert.match(stderr, /^The password in --store can be read by every user of this machine/)
    assert.ok(!stderr.includes(new URL(store).password))
  })

  it('is worked on by every command through its URL', async test => {
    const environment = { PAWL_STORE: await freshDatabase(test) }
    const data = await emptyDirectory(test)
    const add = ['client', 'add', 'shop', '--kind', 'web', '--redirect', 'https://shop.example/cb', '--data', data]
    assert.equal((await runPawl(add, { environment })).code, 0)
    const { stdout } = await runPawl(['client', 'show', 'shop', '--json', '--data', data], { environment })
    assert.match(stdout, /"client_id":"shop"/)
    const shown = await runPawl(['config', 'show', '--data', data], { environment })
    assert.match(shown.stdout, /store +"postgres:.*:\*\*\*@/)
  })

  it('is not ready while the database is away, and is again by itself', async test => {
    const cluster = await startCluster()
    test.after(() => cluster.remove())
    const { url } = await databaseOn(cluster)
    const data = await emptyDirectory(test)
    const server = await startServer(test, { data, workers, environment: { PAWL_STORE: url } })
    assert.equal(await readiness(server), 200)
    await whileStopped(cluster, async () => {
      assert.equal(await untilReadiness(server, 503), 503)
      assert.equal((await fetch(new URL('/livez', server.admin))).status, 200)
    })
    assert.equal(await untilReadiness(server, 200), 200)
    assert.deepEqual(await server.stop(), { code: 0, signal: null })
  })
})

async function whileStopped(cluster: Cluster, work: () => Promise<void>): Promise<void> {
  await cluster.stop()
  await work()
  await cluster.start()
}

async function readiness(server: ServerProcess): Promise<number> {
  return (await fetch(new URL('/readyz', server.admin))).status
}

/** Asks again until it is so; the test runner ends what never is. */
async function untilReadiness(server: ServerProcess, wanted: number): Promise<number> {
  for (;;) {
    const status = await readiness(server)
    if (status === wanted) return status
  }
}
