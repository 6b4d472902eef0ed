/**
 * The database is there and not to be had: gone, silent, slow, full, or of two minds. The server says so in time, changes
 * nothing, and is itself again without anybody's help once the database is.
 */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { blackHole, delayed } from '../network/faults.ts'
import { ask } from '../postgres/query.ts'
import { type Holder, present } from '../processes/holders.ts'
import { browserOf } from '../processes/registered.ts'
import type { Authorization } from '../stage/app.ts'
import {
  appFor,
  assertUnknown,
  type DatabaseLine,
  movesOn,
  openDatabaseLine,
  provesUnharmed,
  standsAt,
} from './database-line.ts'

const rotation = /^UPDATE families AS f SET step_id/
/** Requests that come together. */
const crowd = 12
/** Longer than a turn on a fast network, and shorter than any limit of ours. */
const delayMs = 15

describe('a database that is not there', () => {
  it('RV-09 gets everybody a 503 with Retry-After, changes nothing, and is used again once it is back', async test => {
    const line = await openDatabaseLine(test)
    const asked = await everythingAskedFor(line)
    line.proxy.refuse()
    line.proxy.resetAll()
    await provesUnknown(line, asked)
    await line.proxy.accept()
    await provesGoesOn(line, asked)
  })

  it('RV-09 is the same where it accepts connections and closes them, or lets nobody in', async test => {
    const limits = limitedRole()
    const line = await openDatabaseLine(test, { serverUrl: limits.asRole })
    const asked = await everythingAskedFor(line)
    await limits.allow(0)
    line.proxy.resetAll()
    await provesUnknown(line, asked)
    await limits.allow(-1)
    await provesGoesOn(line, asked)
  })
})

describe('a database that falls silent', { concurrency: true }, () => {
  it('RV-09 gets everybody a 503 with Retry-After before their patience ends, and is used again', async test => {
    const line = await openDatabaseLine(test)
    const asked = await everythingAskedFor(line)
    line.proxy.faultAll(blackHole)
    await provesUnknown(line, asked)
    line.proxy.heal()
    await provesGoesOn(line, asked)
  })

  it('while it answers a rotation is asked over another connection what became of it', async test => {
    const line = await openDatabaseLine(test)
    const silenced = line.faults.loseAnswer({ statement: rotation, by: 'sever' })
    const [confidential, bare, keyed] = line.holders as [Holder, Holder, Holder]
    const waiting = movesOn(line, bare)
    await silenced
    // The others have a connection that works, and no reason to wait.
    await movesOn(line, confidential)
    await movesOn(line, keyed)
    await waiting
    await provesUnharmed(line)
  })
})

describe('a database that is slow', () => {
  it('loses nobody and nothing', async test => {
    const line = await openDatabaseLine(test)
    for (const direction of ['toServer', 'toClient'] as const) {
      line.proxy.faultAll(delayed(direction, delayMs))
      await provesCrowdServed(line)
    }
    line.proxy.heal()
    await provesUnharmed(line)
  })

  it('or stalls for a while, and then answers everybody who waited', async test => {
    const line = await openDatabaseLine(test)
    line.proxy.hold()
    const waiting = Promise.all(line.holders.map(holder => present(holder, appFor(line, holder))))
    // Another request has come and gone: the ones before it are under way.
    assert.equal((await line.server.send('/nothing-is-here')).status, 404)
    line.proxy.release()
    for (const [index, { status, refreshToken }] of (await waiting).entries()) {
      assert.equal(status, 200)
      line.kept.acknowledge(line.holders[index]!.token, refreshToken)
      line.holders[index]!.token = refreshToken
    }
    await provesUnharmed(line)
  })
})

describe('a database with fewer connections than the server would like', () => {
  it('serves a crowd with what there is', async test => {
    const limits = limitedRole()
    const line = await openDatabaseLine(test, { serverUrl: limits.asRole, connections: 8 })
    await limits.allow(5)
    line.proxy.resetAll()
    for (const holder of line.holders) await movesOn(line, holder)
    await provesCrowdServed(line)
    await provesUnharmed(line)
  })
})

describe('a database that undoes a transaction for the sake of another', () => {
  for (const code of ['40001', '40P01']) {
    it(`is asked again, a bounded number of times (${code})`, async test => {
      const line = await openDatabaseLine(test)
      for (const holder of line.holders) {
        const calm = await trouble(line, code, 2)
        assert.equal(await movesOn(line, holder), 0, `${holder.name} was told of it`)
        await calm()
      }
      const [confidential] = line.holders as [Holder]
      const calm = await trouble(line, code, Number.MAX_SAFE_INTEGER)
      assertUnknown(await present(confidential, appFor(line, confidential)))
      const revocation = await appFor(line, confidential).revoke(confidential.token)
      assertUnknown(revocation)
      await standsAt(line, confidential)
      await calm()
      await provesUnharmed(line)
    })
  }
})

/** What is asked of a server while its database is away: a code and an access token are at hand. */
interface Asked {
  readonly code: Authorization
  readonly accessToken: string
}

async function everythingAskedFor(line: DatabaseLine): Promise<Asked> {
  const [confidential] = line.holders as [Holder]
  const app = appFor(line, confidential)
  const { accessToken } = await app.signIn(browserOf(line.server))
  return { accessToken, code: await app.authorize(browserOf(line.server)) }
}

/** All at once, so that whatever has to be waited for is waited for once. */
async function provesUnknown(line: DatabaseLine, { code, accessToken }: Asked): Promise<void> {
  const [confidential] = line.holders as [Holder]
  const app = appFor(line, confidential)
  const answers = await Promise.all([
    ...line.holders.map(holder => present(holder, appFor(line, holder))),
    app.redeem(code),
    app.revoke(confidential.token),
    app.post('/introspect', { token: accessToken }),
    app.userinfo(accessToken),
    browserOf(line.server).open(app.authorizePath().path),
  ])
  for (const [index, answer] of answers.entries()) assertUnknown(answer, `answer ${index} is ${answer.status}`)
  assert.equal((await fetch(new URL('/readyz', line.server.admin))).status, 503)
  for (const holder of line.holders) await standsAt(line, holder, 'has moved')
}

async function provesGoesOn(line: DatabaseLine, { code, accessToken }: Asked): Promise<void> {
  for (const holder of line.holders) await movesOn(line, holder)
  const [confidential] = line.holders as [Holder]
  const app = appFor(line, confidential)
  assert.equal((await app.redeem(code)).status, 200)
  assert.equal((await app.introspect(accessToken)).active, true)
  assert.equal((await fetch(new URL('/readyz', line.server.admin))).status, 200)
  await provesUnharmed(line)
}

/** Many requests at once, with one token and with several: all are answered, with one successor each. */
async function provesCrowdServed(line: DatabaseLine): Promise<void> {
  for (const holder of line.holders) {
    const app = appFor(line, holder)
    const answers = await Promise.all(Array.from({ length: crowd }, () => present(holder, app)))
    for (const { status, refreshToken } of answers) {
      assert.equal(status, 200)
      line.kept.acknowledge(holder.token, refreshToken)
    }
    holder.token = answers[0]!.refreshToken
  }
}

/** Every update of a family fails with this code, so many times. Answers how to end it. */
async function trouble({ databaseUrl }: DatabaseLine, code: string, times: number): Promise<() => Promise<void>> {
  await ask(databaseUrl, 'CREATE SEQUENCE troubles')
  await ask(
    databaseUrl,
    `CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('troubles') <= ${times} THEN RAISE EXCEPTION 'undone' USING ERRCODE = '${code}'; END IF;
    RETURN new; END $$`,
  )
  await ask(
    databaseUrl,
    'CREATE TRIGGER trouble BEFORE UPDATE ON families FOR EACH STATEMENT EXECUTE FUNCTION trouble()',
  )
  return async () => {
    await ask(databaseUrl, 'DROP FUNCTION trouble CASCADE')
    await ask(databaseUrl, 'DROP SEQUENCE troubles')
  }
}

interface LimitedRole {
  /** Makes the role, and gives it the database of a URL, which then names the role. */
  readonly asRole: (url: URL, databaseUrl: string) => Promise<void>
  /** How many connections it may have; -1 is any number. Those it has are left alone. */
  readonly allow: (connections: number) => Promise<void>
}

/** An account that is no superuser, and so is held to a limit on connections. It goes with the cluster. */
function limitedRole(): LimitedRole {
  const role = `pawl_${randomBytes(8).toString('hex')}`
  const password = randomBytes(16).toString('hex')
  let admin = ''
  const run = (statement: string): Promise<unknown> => ask(admin, statement)
  return {
    asRole: async (url, databaseUrl) => {
      admin = databaseUrl
      await run(`CREATE ROLE ${role} LOGIN PASSWORD '${password}'`)
      await run(`ALTER DATABASE ${url.pathname.slice(1)} OWNER TO ${role}`)
      url.username = role
      url.password = password
    },
    allow: connections => run(`ALTER ROLE ${role} CONNECTION LIMIT ${connections}`).then(() => undefined),
  }
}
