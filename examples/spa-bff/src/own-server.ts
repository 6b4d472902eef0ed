/** An authorization server for the demonstration: in memory, with one person, the application and the API. */

import { randomBytes } from 'node:crypto'
import { addUser, embedPawl, registerClient } from 'pawl'
import { serve } from './serve.ts'

export interface OwnServer {
  readonly issuer: string
  readonly appSecret: string
  readonly apiSecret: string
  readonly email: string
  readonly password: string
  close(): Promise<void>
}

export interface OwnServerOptions {
  readonly port: number
  readonly origin: string
  readonly apiUrl: string
}

export async function openOwnServer({ port, origin, apiUrl }: OwnServerOptions): Promise<OwnServer> {
  // Another site than the application's, as in life.
  const issuer = `http://127.0.0.1:${port}`
  const masterKey = randomBytes(32).toString('base64url')
  const pawl = await embedPawl({ issuer, masterKey, store: 'sqlite::memory:', logLevel: 'warn' })
  const workbench = pawl.workbench('demonstration')
  const api = await registerClient(workbench, { id: 'notes-api', kind: 'service', audiences: [apiUrl] })
  const app = await registerClient(workbench, {
    id: 'notes-app',
    kind: 'bff',
    name: 'Notes',
    redirectUris: [`${origin}/bff/callback`],
    postLogoutRedirectUris: [`${origin}/`],
    backchannelLogoutUri: `${origin.replace('localhost', '127.0.0.1')}/bff/back-channel-logout`,
    scopes: ['openid', 'email', 'notes'],
  })
  const [email, password] = ['ada@example.com', randomBytes(9).toString('base64url')]
  await addUser(workbench, { email, password })
  const served = await serve(request => pawl.fetch(request, { address: '127.0.0.1' }), port, issuer)
  return {
    issuer,
    appSecret: app.secret ?? '',
    apiSecret: api.secret ?? '',
    email,
    password,
    async close() {
      await served.close()
      await pawl.close()
    },
  }
}
