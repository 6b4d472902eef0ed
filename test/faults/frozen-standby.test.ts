/** A synchronous standby that is there and says nothing: what it has not confirmed is not acknowledged to anybody (I2, I3). */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { environmentOf, nodesIssuer } from '../nodes/nodes.ts'
import { type Cluster, startCluster } from '../postgres/cluster.ts'
import { databaseOn } from '../postgres/databases.ts'
import { ask } from '../postgres/query.ts'
import { startStandby } from '../postgres/standby.ts'
import { appOf, browserOf, openOffice } from '../processes/registered.ts'
import { emptyDirectory, startServer } from '../processes/server-process.ts'
import { stablePort } from '../processes/stable-port.ts'
import type { App } from '../stage/app.ts'

const attemptsMax = 1200
const pollMs = 50

describe('a revocation while the synchronous standby is frozen', () => {
  it('is answered 503, not 200, and holds everywhere once the standby goes on', async test => {
    const { standby, app, refreshToken } = await signedIn(test)
    const thaw = await freeze(test, standby)
    const unknown = await app.revoke(refreshToken)
    assert.equal(unknown.status, 503)
    assert.ok(Number(unknown.headers.get('retry-after')) > 0)
    thaw()
    assert.equal((await untilKnown(() => app.revoke(refreshToken))).status, 200)
    assert.equal((await untilKnown(() => app.refresh(refreshToken))).status, 400)
  })
})

async function signedIn(
  test: TestContext,
): Promise<{ readonly standby: Cluster; readonly app: App; readonly refreshToken: string }> {
  const primary = await startCluster()
  const { url } = await databaseOn(primary)
  const standby = await startStandby(primary)
  const environment = environmentOf(url)
  const data = await emptyDirectory(test)
  const office = await openOffice(test, data, environment)
  await office.addUser()
  const registered = await office.addClient({ id: 'shop', kind: 'web', firstParty: true })
  const site = { data, port: await stablePort() }
  const flags = ['--issuer', nodesIssuer, '--sync-standbys', '1']
  const server = await startServer(test, { ...site, flags, environment })
  // After the servers on it: what was registered first is done first.
  test.after(async () => {
    await primary.kill()
    await standby.kill()
    await primary.remove()
    await standby.remove()
  })
  const app = appOf(server, registered)
  const { refreshToken } = await app.signIn(browserOf(server))
  return { standby, app, refreshToken }
}

/** Stops the process that receives the primary's log, in the middle of whatever it does; answers what lets it go on. */
async function freeze(test: TestContext, standby: Cluster): Promise<() => void> {
  const [row] = await ask(standby.url, 'SELECT pid FROM pg_stat_wal_receiver')
  const pid = Number(row?.['pid'])
  process.kill(pid, 'SIGSTOP')
  let isFrozen = true
  const thaw = (): void => {
    if (isFrozen) process.kill(pid, 'SIGCONT')
    isFrozen = false
  }
  test.after(thaw)
  return thaw
}

/** Asks again while the answer is 503, as it says. */
async function untilKnown<Answer extends { readonly status: number }>(request: () => Promise<Answer>): Promise<Answer> {
  for (let attempt = 1; attempt < attemptsMax; attempt++) {
    const answer = await request()
    if (answer.status !== 503) return answer
    await pause(pollMs)
  }
  throw new Error(`answered 503 for ${attemptsMax} times`)
}
