/** The way to a server that speaks TLS: it is taken where the server proves who it is, and else only where the URL says so. */

import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { makeAuthority } from '../../../../../test/network/certificates.ts'
import { type Cluster, startCluster } from '../../../../../test/postgres/cluster.ts'
import { type Account, give, newDirectory, unprivilegedAccount } from '../../../../../test/postgres/ground.ts'
import { StoreRefused } from '../../domain/store.ts'
import { rotated } from '../contract/fixture.test.ts'
import { openedIn, sceneOn } from './fixture.test.ts'

/** Two authorities, and a server with a certificate of the first, for the name `localhost` alone. */
interface Tls {
  readonly cluster: Cluster
  readonly authority: string
  readonly otherAuthority: string
}

/** The tests' own connections are plain; that role alone may be. */
const rules = `host all pawl 127.0.0.1/32 scram-sha-256
hostssl all all 127.0.0.1/32 scram-sha-256
`

let directory: string
let tls: Tls

before(async () => {
  const account = unprivilegedAccount()
  directory = newDirectory(account)
  const [one, other] = [await makeAuthority('one'), await makeAuthority('other')]
  const { certificate, privateKey } = await one.vouchFor(['localhost'])
  const settings = {
    ssl: 'on',
    ssl_cert_file: write('server.pem', certificate, account),
    ssl_key_file: write('server.key', privateKey, account),
    hba_file: write('pg_hba.conf', rules, account),
  }
  const authority = write('one.pem', one.certificate, account)
  const otherAuthority = write('other.pem', other.certificate, account)
  tls = { cluster: await startCluster({ settings }), authority, otherAuthority }
})
after(async () => {
  await tls.cluster.remove()
  rmSync(directory, { recursive: true })
})

function write(name: string, text: string, account: Account): string {
  const path = join(directory, name)
  writeFileSync(path, text, { mode: 0o600 })
  give(path, account)
  return path
}

/** A database on that server, for a role that is let in over TLS only. */
async function sceneOverTls(test: TestContext) {
  const scene = await sceneOn(test, tls.cluster.url)
  const url = new URL(scene.url)
  const database = url.pathname.slice(1)
  const role = `of_${database}`
  await scene.ask(`CREATE ROLE ${role} LOGIN PASSWORD 'secret-words'`)
  await scene.ask(`ALTER DATABASE ${database} OWNER TO ${role}`)
  const urlOf = (host: string, parameters: string): string =>
    `postgres://${role}:secret-words@${host}:${url.port}/${database}?${parameters}`
  return { ...scene, urlOf }
}

describe('a server with a certificate of the authority that the URL names', () => {
  for (const mode of ['verify-full', 'verify-ca', 'require']) {
    it(`is spoken to over TLS (sslmode=${mode})`, async test => {
      const { open, ask, entropy, urlOf } = await sceneOverTls(test)
      const store = await open({ url: urlOf('localhost', `sslmode=${mode}&sslrootcert=${tls.authority}`) })
      await rotated({ store, entropy }, await openedIn(store, entropy))
      const encrypted = await ask(
        "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE datname = current_database() AND application_name = 'pawl'",
      )
      assert.deepEqual(encrypted, [[true]])
    })
  }

  it('is refused under a name that its certificate does not have', async test => {
    const { open, urlOf } = await sceneOverTls(test)
    const url = urlOf('127.0.0.1', `sslmode=verify-full&sslrootcert=${tls.authority}`)
    await assert.rejects(open({ url }), refusal(/does not prove .* \(ERR_TLS_CERT_ALTNAME_INVALID\)/))
  })
})

describe('a server that does not prove who it is', () => {
  for (const mode of ['verify-full', 'verify-ca', 'require', 'require&uselibpqcompat=true']) {
    it(`is refused with an authority of its own, and with another (sslmode=${mode})`, async test => {
      const { open, urlOf } = await sceneOverTls(test)
      const other = `&sslrootcert=${tls.otherAuthority}`
      for (const authority of ['', other]) {
        await assert.rejects(
          open({ url: urlOf('localhost', `sslmode=${mode}${authority}`) }),
          refusal(/sslrootcert=FILE/),
        )
      }
    })
  }

  it('is taken where the URL says that nobody need look', async test => {
    const { open, urlOf } = await sceneOverTls(test)
    const store = await open({ url: urlOf('localhost', 'sslmode=no-verify') })
    assert.equal(await store.check(), undefined)
  })
})

describe('a plain connection', () => {
  it('is refused by a server that wants TLS', async test => {
    const { open, urlOf } = await sceneOverTls(test)
    await assert.rejects(open({ url: urlOf('localhost', 'sslmode=disable') }), refusal(/pg_hba\.conf/))
  })

  it('is not made to a server without TLS where the URL asks for it', async test => {
    const scene = await sceneOn(test)
    await assert.rejects(scene.open({ url: `${scene.url}?sslmode=verify-full` }), refusal(/sslmode=disable/))
  })

  it('is not made where the file of the authority cannot be read', async test => {
    const { open, urlOf } = await sceneOverTls(test)
    const url = urlOf('localhost', 'sslmode=verify-full&sslrootcert=/nowhere/authority.pem')
    await assert.rejects(open({ url }), refusal(/\/nowhere\/authority\.pem .* cannot be read \(ENOENT\)/))
  })
})

/** Says what to change, and not the password. */
function refusal(sentence: RegExp): (error: unknown) => true {
  return error => {
    assert.ok(error instanceof StoreRefused, String(error))
    assert.match(error.message, sentence)
    assert.ok(!error.message.includes('secret-words'))
    return true
  }
}
