/** The browser's side: who am I, the way in and out, and a fetch that says it is ours. It never sees a token. */

export interface Session {
  readonly signedIn: boolean
  readonly sub?: string
  readonly claims?: { readonly [name: string]: unknown }
  /** Seconds since 1970. */
  readonly expiresAt?: number
}

export interface BrowserBff {
  /** Asks the backend. */
  session(): Promise<Session>
  /** Leaves the page for the server, and comes back to `returnTo`, by default to this very place. */
  signIn(returnTo?: string): void
  /** Ends the session, tells the other tabs, and leaves for the server's own logout where it has one. */
  signOut(): Promise<void>
  /** Calls `listener` once this browser is signed out, here or in another tab. Returns the end of it. */
  onSignedOut(listener: () => void): () => void
  /** As the platform's, for paths of the application: with the header that other sites cannot send. */
  fetch(input: string | URL, init?: RequestInit): Promise<Response>
}

/** As the backend answers. */
interface Told extends Pick<Session, 'sub' | 'claims'> {
  readonly signed_in: boolean
  readonly expires_at?: number
}

/** `basePath` as the backend has it. */
export function browserBff(basePath = '/bff'): BrowserBff {
  const listeners = new Set<() => void>()
  const channel = new BroadcastChannel(`pawl-bff:${basePath}`)
  const tell = () => {
    for (const listener of listeners) listener()
  }
  channel.onmessage = tell
  const out = () => {
    channel.postMessage('')
    tell()
  }
  const send = (input: string | URL, init: RequestInit = {}) => {
    const headers = new Headers(init.headers)
    headers.set('x-bff', '1')
    return fetch(input, { ...init, headers, mode: 'same-origin' })
  }
  return {
    async session() {
      const answer = await send(`${basePath}/session`)
      if (!answer.ok) throw new Error(`the backend answers ${answer.status}`)
      const { signed_in: signedIn, expires_at: expiresAt, ...rest } = (await answer.json()) as Told
      return expiresAt === undefined ? { signedIn } : { ...rest, signedIn, expiresAt }
    },
    signIn(returnTo = location.pathname + location.search + location.hash) {
      location.assign(`${basePath}/sign-in?return_to=${encodeURIComponent(returnTo)}`)
    },
    async signOut() {
      const answer = await send(`${basePath}/sign-out`, { method: 'POST' })
      if (!answer.ok) throw new Error(`the backend answers ${answer.status}`)
      const { location: address } = (await answer.json()) as { readonly location: string | null }
      out()
      if (address !== null) location.assign(address)
    },
    onSignedOut(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async fetch(input, init) {
      const answer = await send(input, init)
      if (answer.status === 401 && answer.headers.get('bff-session') === 'none') out()
      return answer
    },
  }
}
