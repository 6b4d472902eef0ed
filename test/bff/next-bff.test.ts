/** The route handlers of the Next.js example, each asked with the Requests that Next.js would hand it. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { GET as notes, POST as writeNotes } from '../../examples/next-bff/src/app/api/notes/route.ts'
import { POST as loggedOut } from '../../examples/next-bff/src/app/bff/back-channel-logout/route.ts'
import { GET as callback } from '../../examples/next-bff/src/app/bff/callback/route.ts'
import { GET as session } from '../../examples/next-bff/src/app/bff/session/route.ts'
import { GET as signIn } from '../../examples/next-bff/src/app/bff/sign-in/route.ts'
import { POST as signOut } from '../../examples/next-bff/src/app/bff/sign-out/route.ts'
import { openBackend } from '../../examples/next-bff/src/backend/open-backend.ts'
import { emptyDirectory, pawlJson, dataDirectory, startServer } from '../processes/server-process.ts'

const appUrl = 'http://localhost:7399'

describe('the Next.js example of a backend', () => {
  it('says what it is not told', async () => {
    await assert.rejects(openBackend({ ISSUER: 'https://id.example' }), /Set SESSIONS_FILE/)
  })

  it('answers at each of its routes', async test => {
    const data = await dataDirectory(test)
    const words = ['client', 'add', 'next', '--kind', 'bff', '--redirect', `${appUrl}/bff/callback`, '--data', data]
    const added = (await pawlJson([...words, '--scope', 'openid email notes'])) as { readonly client_secret: string }
    const server = await startServer(test, { data })
    const environment = {
      ISSUER: server.issuer,
      CLIENT_ID: 'next',
      CLIENT_SECRET: added.client_secret,
      APP_URL: appUrl,
      API_URL: 'http://localhost:7398',
      SESSIONS_FILE: join(await emptyDirectory(test), 'sessions', 'bff.sqlite'),
      PAWL_CUSTODY_KEY: randomBytes(32).toString('base64url'),
    }
    Object.assign(process.env, environment)
    test.after(() => {
      for (const name of Object.keys(environment)) delete process.env[name]
    })
    const script = { headers: { 'x-bff': '1', 'sec-fetch-site': 'same-origin' } }
    const at = (path: string, init: RequestInit = {}) => new Request(`${appUrl}${path}`, init)
    const begun = await signIn(at('/bff/sign-in?return_to=/notes'))
    assert.equal(begun.status, 303)
    assert.equal(new URL(begun.headers.get('location') ?? '').origin, server.issuer)
    assert.match(begun.headers.get('set-cookie') ?? '', /^__Host-Http-.*SameSite=Lax$/)
    assert.deepEqual(await (await session(at('/bff/session', script))).json(), { signed_in: false })
    assert.equal((await notes(at('/api/notes', script))).status, 401)
    assert.equal((await writeNotes(at('/api/notes', { method: 'POST', body: 'x' }))).status, 403)
    assert.equal((await signOut(at('/bff/sign-out', { ...script, method: 'POST' }))).status, 200)
    assert.equal((await loggedOut(at('/bff/back-channel-logout', { method: 'POST' }))).status, 400)
    const refused = await callback(at('/bff/callback?error=access_denied&state=x'))
    assert.equal(refused.headers.get('location'), '/?sign_in_error=failed')
  })
})
