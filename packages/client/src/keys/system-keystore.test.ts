import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { KeyringAnswer } from './keyring-program.ts'
import { systemKeystore } from './system-keystore.ts'

describe('the keystore of the operating system', () => {
  it('says what is missing where its package is not installed', async test => {
    const directory = await mkdtemp(join(tmpdir(), 'pawl-keyring-'))
    test.after(() => rm(directory, { recursive: true }))
    const program = join(directory, 'keyring-program.ts')
    await copyFile(fileURLToPath(new URL('keyring-program.ts', import.meta.url)), program)
    const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] })
    child.stdin.end(JSON.stringify({ verb: 'read', service: 'a', account: 'b' }))
    const answer = JSON.parse(await text(child.stdout)) as KeyringAnswer
    assert.equal(answer.kind, 'not-installed')
    assert.match(answer.message, /@napi-rs\/keyring/)
  })

  it('is asked no longer once nobody waits', async () => {
    for (const asked of ['read', 'remove'] as const) {
      await assert.rejects(systemKeystore()[asked]('a', 'b', AbortSignal.abort()), {
        name: 'CustodyKeyUnavailable',
        reason: 'unreachable',
        message: /cannot be asked\. .*PAWL_CUSTODY_KEY/,
      })
    }
  })
})
