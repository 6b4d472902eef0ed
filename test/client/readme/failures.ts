import { CustodyFailed, type Holder, RefreshPostponed, RefreshRefused, SignInNeeded } from '@pawl/client'

export async function ask(holder: Holder, grant: string): Promise<Response> {
  try {
    return await holder.fetchAs(grant, { resource: 'https://api.example' })('https://api.example/files')
  } catch (error) {
    if (error instanceof SignInNeeded) return new Response('Please sign in.', { status: 401 })
    if (error instanceof RefreshPostponed) {
      const headers = { 'retry-after': String(Math.ceil(error.retryAfterMs / 1000)) }
      return new Response('Please try again in a moment.', { status: 503, headers })
    }
    if (error instanceof CustodyFailed) return new Response('Please try again in a moment.', { status: 503 })
    // The client's secret, a scope, a resource: nobody's signing in again mends it.
    if (error instanceof RefreshRefused) return new Response('This is misconfigured.', { status: 500 })
    throw error
  }
}
