/** What the program prints, done: it starts with one command, and a revoked token is refused without a question. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { stablePort } from '../../../test/processes/stable-port.ts'

const program = fileURLToPath(new URL('main.ts', import.meta.url))

async function start(test: TestContext) {
  const [port, serverPort] = [await stablePort(), await stablePort()]
  const environment = { PATH: process.env['PATH'], PORT: String(port), SERVER_PORT: String(serverPort) }
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'], env: environment })
  const exited = once(child, 'exit')
  test.after(async () => {
    child.kill('SIGTERM')
    await exited
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const secret = /-u (job:\S+) .*\/revoke/.exec(line)?.[1]
    if (secret === undefined) continue
    const authorization = `Basic ${Buffer.from(secret).toString('base64')}`
    return { api: `http://localhost:${port}`, issuer: `http://localhost:${serverPort}`, authorization, child, exited }
  }
  throw new Error('the program ended without a word of what to try')
}

describe('the example of an API', () => {
  it('runs by one command, says how to ask, takes a token, and refuses it within a moment of its revocation', async test => {
    const { api, issuer, authorization, child, exited } = await start(test)
    const post = (path: string, fields: { readonly [name: string]: string }) =>
      fetch(issuer + path, { method: 'POST', headers: { authorization }, body: new URLSearchParams(fields) })
    const answer = await post('/token', { grant_type: 'client_credentials', resource: api })
    const { access_token: token } = (await answer.json()) as { access_token: string }
    const notes = (init: RequestInit = {}) =>
      fetch(`${api}/notes`, { ...init, headers: { authorization: `Bearer ${token}` } })

    const stranger = await fetch(`${api}/notes`)
    const metadata = /resource_metadata="([^"]+)"/.exec(stranger.headers.get('www-authenticate') ?? '')?.[1]
    const told = (await (await fetch(metadata ?? '')).json()) as { readonly authorization_servers: readonly string[] }
    assert.deepEqual([stranger.status, told.authorization_servers], [401, [issuer]])

    assert.equal((await notes({ method: 'POST', body: 'buy milk' })).status, 201)
    assert.deepEqual(((await (await notes()).json()) as { notes: unknown }).notes, ['buy milk'])
    const steppedUp = await notes({ method: 'DELETE' })
    assert.match(steppedUp.headers.get('www-authenticate') ?? '', /insufficient_user_authentication.*max_age="300"/)

    assert.equal((await post('/revoke', { token })).status, 200)
    let last = await notes()
    while (last.status === 200) last = await notes()
    assert.equal(last.status, 401)
    const { revocations } = (await (await fetch(`${api}/health`)).json()) as { revocations: { known: number } }
    assert.equal(revocations.known, 1)
    child.kill('SIGTERM')
    assert.deepEqual(await exited, [0, null])
  })
})
