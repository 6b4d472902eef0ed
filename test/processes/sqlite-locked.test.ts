/** The database is there and will not take a write: nothing is promised, nothing is burned, and nobody has to help. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it, type TestContext } from 'node:test'
import { type Holder, present, signedInHolders } from './holders.ts'
import { familyIdIn, generationIn } from './inside-token.ts'
import { appOf, browserOf, type Office, openOffice } from './registered.ts'
import { dataDirectory, runPawl, type ServerProcess, startServer } from './server-process.ts'

const unreachable = 4

describe('a database that another process holds locked', () => {
  it('RV-09 gets every writing request a 503 with Retry-After, burns no token, and is forgotten once it is free', async test => {
    const scene = await setScene(test)
    const { server, holders, data } = scene
    const [confidential, bare, keyed, toRevoke] = holders as [Holder, Holder, Holder, Holder]
    const code = await appOf(server, confidential.registered).authorize(browserOf(server))
    const unlock = lock(test, data)
    const redeemed = appOf(server, confidential.registered).redeem(code)
    const refreshed = [confidential, bare, keyed].map(holder => present(holder, appOf(server, holder.registered)))
    const revoked = appOf(server, toRevoke.registered).revoke(toRevoke.token)
    const commanded = runPawl(['revoke', '--all', '--yes', '--data', data])
    for (const answer of await Promise.all([...refreshed, redeemed, revoked])) {
      assert.equal(answer.status, 503)
      assert.ok(Number(answer.headers.get('retry-after')) > 0)
      assert.equal(answer.headers.get('cache-control'), 'no-store')
    }
    const { code: exitCode, stdout } = await commanded
    assert.deepEqual([exitCode, stdout], [unreachable, ''])
    assert.equal((await fetch(new URL('/readyz', server.admin))).status, 503)
    unlock()
    assert.equal((await fetch(new URL('/readyz', server.admin))).status, 200)
    await nothingMoved(scene)
    for (const holder of holders) await movesOnTwice(scene, holder)
    assert.equal((await appOf(server, confidential.registered).redeem(code)).status, 200)
    assert.equal((await appOf(server, toRevoke.registered).revoke(toRevoke.token)).status, 200)
    assert.equal((await present(toRevoke, appOf(server, toRevoke.registered))).status, 400)
  })

  it('RV-09 answers as ever once the lock is let go in time, reads all the while, and says it is not ready', async test => {
    const { server, holders, data } = await setScene(test)
    const [confidential] = holders as [Holder]
    const { accessToken, refreshToken } = await present(confidential, appOf(server, confidential.registered))
    confidential.token = refreshToken
    const unlock = lock(test, data)
    const refreshed = holders.map(holder => present(holder, appOf(server, holder.registered)))
    assert.equal((await fetch(new URL('/readyz', server.admin))).status, 503)
    const introspected = await appOf(server, confidential.registered).introspect(accessToken)
    assert.equal(introspected.active, true)
    unlock()
    const answers = await Promise.all(refreshed)
    assert.deepEqual(
      answers.map(({ status }) => status),
      holders.map(() => 200),
    )
  })
})

interface Scene {
  readonly data: string
  readonly office: Office
  readonly server: ServerProcess
  /** One of each manner, and one more. */
  readonly holders: readonly Holder[]
}

async function setScene(test: TestContext): Promise<Scene> {
  const data = await dataDirectory(test)
  const office = await openOffice(test, data)
  const server = await startServer(test, { data })
  const [confidential, second, bare, , keyed] = await signedInHolders(office, server, 2)
  return { data, office, server, holders: [confidential!, bare!, keyed!, second!] }
}

/** Takes the one lock for writing, as a backup or a stuck process would. Answers how to let go of it. */
function lock(test: TestContext, data: string): () => void {
  const database = new DatabaseSync(join(data, 'pawl.db'))
  database.exec('BEGIN IMMEDIATE')
  let isHeld = true
  const unlock = (): void => {
    if (isHeld) database.close()
    isHeld = false
  }
  test.after(unlock)
  return unlock
}

/** The token that met the lock is still current: it has a successor, and that has one. */
async function movesOnTwice({ server }: Scene, holder: Holder): Promise<void> {
  for (const time of ['first', 'second']) {
    const answer = await present(holder, appOf(server, holder.registered))
    assert.equal(answer.status, 200, `${holder.name}, ${time}`)
    holder.token = answer.refreshToken
  }
}

/** No row moved: a write that was given up must not be made later, behind everybody's back. */
async function nothingMoved({ office, holders }: Scene): Promise<void> {
  for (const { name, token } of holders) {
    const reading = await office.workbench.store.families.read(familyIdIn(token))
    assert.equal(reading?.family.generation, generationIn(token), `${name} has moved`)
    assert.equal(reading?.family.end, null)
  }
}
