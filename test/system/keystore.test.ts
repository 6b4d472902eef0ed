/** The custody key in the Secret Service of a real gnome-keyring, asked for by real processes. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Told } from './keystore-asker.ts'
import { openSecretService, openSession, type Session } from './secret-service.ts'

const run = promisify(execFile)
const asker = fileURLToPath(new URL('keystore-asker.ts', import.meta.url))
const service = 'Pawl in a test'

describe('a custody key in the Secret Service', () => {
  it('is made by the first process and found by the next', async test => {
    const keyring = await openSecretService(test)
    const place = join(keyring.directory, 'grants')
    const first = await ask(keyring, place)
    assert.match(retryKeyOf(first), /^[\w-]{43}$/)
    assert.deepEqual(await ask(keyring, place), first)
    const account = (await readFile(join(place, 'custody-key-account'), 'utf8')).trim()
    assert.deepEqual(await keyring.accountsOf(service), [account])
  })

  it('is one key, and one entry, where eight processes begin at once', async test => {
    const keyring = await openSecretService(test)
    const place = join(keyring.directory, 'grants')
    const told = await Promise.all(Array.from({ length: 8 }, () => ask(keyring, place)))
    assert.equal(new Set(told.map(retryKeyOf)).size, 1)
    assert.equal((await keyring.accountsOf(service)).length, 1)
  })

  it('is refused while the keyring is locked', async test => {
    const keyring = await openSecretService(test)
    const place = join(keyring.directory, 'grants')
    await ask(keyring, place)
    await keyring.lock()
    refuses(await ask(keyring, place), /The keystore of this system refused: .*PAWL_CUSTODY_KEY/)
    assert.deepEqual(await readdir(place), ['custody-key-account'])
  })

  it('is refused when the keyring does not answer, and the process that asked ends', async test => {
    const keyring = await openSecretService(test)
    const place = join(keyring.directory, 'grants')
    const before = await ask(keyring, place)
    keyring.freeze()
    refuses(await ask(keyring, place, ''), /did not answer within 1\.5 s: it is locked, .*PAWL_CUSTODY_KEY/)
    keyring.thaw()
    assert.deepEqual(await ask(keyring, place), before)
  })

  it('is refused where nobody keeps secrets', async test => {
    const session = await openSession(test)
    const place = join(session.directory, 'grants')
    refuses(await ask(session, place), /The keystore of this system refused: .*PAWL_CUSTODY_KEY/)
    await keptNowhere(session)
  })

  it('is refused where there is no session bus, and never kept elsewhere', async test => {
    const session = await openSession(test)
    const { DBUS_SESSION_BUS_ADDRESS: _without, ...environment } = session.environment
    const place = join(session.directory, 'grants')
    refuses(await ask({ ...session, environment }, place), /set PAWL_CUSTODY_KEY/)
    await keptNowhere(session)
  })
})

/** What a new process says of the key of this place. It waits longer than programs do: the machine may be busy. */
async function ask({ environment }: Session, place: string, seconds: '60' | '' = '60'): Promise<Told> {
  const { stdout } = await run(process.execPath, [asker, service, place, seconds], { env: environment })
  return JSON.parse(stdout) as Told
}

function retryKeyOf(told: Told): string {
  assert.ok('retryKey' in told, JSON.stringify(told))
  return told.retryKey
}

function refuses(told: Told, message: RegExp): void {
  assert.ok('reason' in told, 'there is a key')
  assert.equal(told.reason, 'unreachable')
  assert.match(told.message, message)
}

/** Neither in the keyring of the kernel, which the binding would fall back on, nor in a file. */
async function keptNowhere(session: Session): Promise<void> {
  assert.ok(!(await readFile('/proc/keys', 'utf8')).includes(service))
  assert.deepEqual((await readdir(session.directory)).toSorted(), ['bus', 'bus.conf', 'home', 'run'])
  assert.deepEqual(await readdir(join(session.directory, 'home')), [])
}
