import { holdGrants, SignInNeeded } from '@pawl/client'
import { environmentCustodyKey } from '@pawl/client/environment-key'
import { createCustodyTables, postgresStore } from '@pawl/client/postgres'
import { beginSignIn, finishSignIn } from '@pawl/client/sign-in'
import { ClientSecretBasic } from 'oauth4webapi'
import { Pool } from 'pg'

const pool = new Pool({ connectionString: 'postgres://app@db.example/app' })
await pool.query(createCustodyTables())

const custody = {
  server: 'https://id.example',
  client: { client_id: 'my-app' },
  authentication: ClientSecretBasic(process.env['CLIENT_SECRET'] ?? ''),
  store: postgresStore({ pool }),
  custodyKey: await environmentCustodyKey(), // PAWL_CUSTODY_KEY: 32 random bytes, the same for every process
}
const holder = holdGrants(custody)
const redirectUri = 'https://app.example/callback'

/** Put `transaction` into a cookie (Secure, HttpOnly, SameSite=Lax), and send the browser to `url`. */
export function signIn() {
  return beginSignIn(custody, { redirectUri, scope: 'openid offline_access' })
}

/** `session` is your own id of this browser's session, or a hash of it. */
export async function callback(session: string, transaction: string, currentUrl: URL) {
  await holder.keep(session, await finishSignIn(custody, transaction, currentUrl))
}

export async function files(session: string) {
  try {
    return await holder.fetchAs(session, { resource: 'https://api.example' })('https://api.example/files')
  } catch (error) {
    if (error instanceof SignInNeeded) return new Response(null, { status: 401 })
    throw error
  }
}

export function signOut(session: string) {
  return holder.end(session)
}
