/**
 * What runs in the browser of a single-page application: `oidc-client-ts` as it is published, driven by buttons. Node takes
 * the types out and serves the rest as it stands; the page around it says the settings.
 */

import type * as Library from 'oidc-client-ts'

declare const oidc: typeof Library

/** What the page around the application says. */
export interface PageSettings {
  readonly authority: string
  readonly clientId: string
  readonly scope: string
  /** Where tokens are kept: in this tab across reloads, in all tabs, or nowhere but in the running program. */
  readonly keeps: 'tab' | 'browser' | 'memory'
  readonly provesKey: boolean
}

const settings = JSON.parse(byId('settings').textContent) as PageSettings
const manager = new oidc.UserManager({
  authority: settings.authority,
  client_id: settings.clientId,
  scope: settings.scope,
  redirect_uri: `${location.origin}/callback`,
  silent_redirect_uri: `${location.origin}/callback`,
  post_logout_redirect_uri: `${location.origin}/signed-out`,
  automaticSilentRenew: false,
  revokeTokensOnSignout: true,
  userStore: new oidc.WebStorageStateStore({ store: storage() }),
  ...(settings.provesKey ? { dpop: { bind_authorization_code: true, store: new oidc.IndexedDbDPoPStore() } } : {}),
})
let renewals = 0

function storage(): Storage {
  switch (settings.keeps) {
    case 'tab':
      return sessionStorage
    case 'browser':
      return localStorage
    case 'memory':
      return new oidc.InMemoryWebStorage()
  }
}

async function start(): Promise<void> {
  if (location.pathname === '/callback') {
    const user = (await manager.signinCallback()) ?? null
    // In a frame there is nothing to show: the page around it goes on.
    if (window.parent !== window) return
    history.replaceState(null, '', '/')
    show(user)
    return
  }
  if (location.pathname === '/signed-out') {
    await manager.signoutCallback()
    history.replaceState(null, '', '/')
  }
  show((await manager.getUser()) ?? (settings.keeps === 'memory' ? await silently() : null))
}

/** A program that keeps nothing asks in a frame, once it is started anew, whether somebody is still signed in. */
async function silently(): Promise<Library.User | null> {
  try {
    return await manager.signinSilent()
  } catch (error) {
    if (error instanceof oidc.ErrorResponse && error.error === 'login_required') return null
    throw error
  }
}

async function renew(): Promise<void> {
  const user = await manager.signinSilent()
  renewals += 1
  show(user)
  byId('renewals').textContent = `Renewed ${renewals} times`
}

/** The application's own request to an API, with a proof for this very token. */
async function readProfile(nonce?: string): Promise<void> {
  const user = await manager.getUser()
  const endpoint = (await manager.metadataService.getUserInfoEndpoint()) ?? ''
  if (user === null) throw new Error('nobody is signed in')
  const proof = settings.provesKey ? await manager.dpopProof(endpoint, user, 'GET', nonce) : undefined
  const authorization = `${user.token_type} ${user.access_token}`
  const answer = await fetch(endpoint, { headers: { authorization, ...(proof === undefined ? {} : { dpop: proof }) } })
  const challenged = answer.headers.get('dpop-nonce')
  if (answer.status === 401 && challenged !== null && nonce === undefined) return readProfile(challenged)
  const told = (await answer.json()) as { readonly email?: string }
  byId('profile').textContent = answer.ok ? `Your address is ${told.email}` : `Refused with ${answer.status}`
}

function show(user: Library.User | null): void {
  byId('who').textContent = user === null ? 'Nobody is signed in' : `Signed in as ${user.profile.sub}`
}

function byId(id: string): HTMLElement {
  const element = document.getElementById(id)
  if (element === null) throw new Error(`there is no ${id} on the page`)
  return element
}

function told(doing: () => Promise<void>): () => void {
  return () => {
    byId('problem').textContent = ''
    doing().catch((error: unknown) => {
      const code = error instanceof oidc.ErrorResponse ? error.error : null
      byId('problem').textContent = `${code ?? String(error)}`
    })
  }
}

byId('sign-in').addEventListener(
  'click',
  told(() => manager.signinRedirect()),
)
byId('renew').addEventListener('click', told(renew))
byId('read').addEventListener(
  'click',
  told(() => readProfile()),
)
byId('sign-out').addEventListener(
  'click',
  told(() => manager.signoutRedirect()),
)
told(start)()
