import { holdGrants } from '@pawl/client'
import { browserCustodyKey, indexedDbStore, openCustodyDatabase } from '@pawl/client/indexed-db'
import { beginSignIn, finishSignIn } from '@pawl/client/sign-in'

const database = openCustodyDatabase()
const custody = {
  server: 'https://id.example',
  client: { client_id: 'my-page', dpop_bound_access_tokens: true },
  store: indexedDbStore(database),
  custodyKey: browserCustodyKey(database),
}
const holder = holdGrants(custody)
const redirectUri = 'https://page.example/callback'

export async function signIn() {
  const { url, transaction } = await beginSignIn(custody, { redirectUri, scope: 'openid' })
  sessionStorage.setItem('transaction', transaction)
  location.assign(url)
}

export async function callback() {
  const transaction = sessionStorage.getItem('transaction') ?? ''
  sessionStorage.removeItem('transaction')
  await holder.keep('me', await finishSignIn(custody, transaction, location.href))
  history.replaceState(null, '', '/')
}

export const api = holder.fetchAs('me', { resource: 'https://api.example' })
