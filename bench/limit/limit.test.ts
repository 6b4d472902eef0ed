import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { importJWK, type JWK, jwtVerify } from 'jose'
import type { Running } from '../contender.ts'
import { limit as contender } from './contender.ts'
import { limitFile, openDatabase } from './limit.ts'

const limit = contender('limit', 1)
const ground = { idle: 0, codes: 0, cluster: null, env: {}, nodeFlags: [] }

describe('the bare limit', () => {
  const directory = mkdtempSync(join(tmpdir(), 'pawl-limit-'))
  let running: Running
  before(async () => {
    running = await limit.start({ ...ground, directory, families: 2 })
  })
  after(async () => {
    await running.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  const refresh = async (
    refreshToken: string,
  ): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> => {
    const response = await fetch(`http://127.0.0.1:${running.port}/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken }),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  it('exchanges a refresh token once, and its successor after it', async () => {
    const [first = ''] = running.tokens
    const second = await refresh(first)
    assert.equal(second.status, 200)
    assert.deepEqual(await refresh(first), { status: 400, body: { error: 'invalid_grant' } })
    assert.equal((await refresh(String(second.body['refresh_token']))).status, 200)
  })

  it('lets one of many at once through', async () => {
    const token = running.tokens[1] ?? ''
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(token)))
    assert.equal(answers.filter(answer => answer.status === 200).length, 1)
  })

  it('signs access tokens that verify', async () => {
    const third = await limit.start({ ...ground, directory: mkdtempSync(join(directory, 'second-')), families: 1 })
    try {
      const response = await fetch(`http://127.0.0.1:${third.port}/token`, {
        method: 'POST',
        body: new URLSearchParams({ refresh_token: third.tokens[0] ?? '' }),
      })
      const { access_token: accessToken } = (await response.json()) as { access_token: string }
      const key = await importJWK(third.verifyingKey as JWK, 'ES256')
      const { payload } = await jwtVerify(accessToken, key, { algorithms: ['ES256'], typ: 'at+jwt' })
      assert.equal(payload['client_id'], 'bench')
    } finally {
      await third.stop()
    }
  })

  it('refuses a token with a changed character', async () => {
    const [token = ''] = running.tokens
    const changed = token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A')
    assert.equal((await refresh(changed)).status, 400)
    assert.equal((await refresh('')).status, 400)
  })

  it('has moved each row exactly as often as it answered', () => {
    const database = openDatabase(limitFile(directory))
    const rows = database.prepare('SELECT generation FROM families ORDER BY generation').all()
    database.close()
    assert.deepEqual(
      rows.map(row => row['generation']),
      [2, 3],
    )
  })
})
