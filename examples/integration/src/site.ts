/** What can be asked of a worker over HTTP. */

import { SignInNeeded } from '@pawl/client'
import { beginSignIn, finishSignIn } from '@pawl/client/sign-in'
import { healthJson, healthPage } from './pages.ts'
import type { Worker } from './worker.ts'

const scope = 'openid email offline_access'
const cookieName = 'connecting'

export async function answer(worker: Worker, request: Request): Promise<Response> {
  const url = new URL(request.url)
  const [, action = '', name = ''] = /^\/([a-z.]+)(?:\/([\w-]{1,100}))?$/.exec(url.pathname) ?? []
  switch (`${action}${name === '' ? '' : '/NAME'}`) {
    case 'health':
      return new Response(healthPage(worker), { headers: { 'content-type': 'text/html; charset=utf-8' } })
    case 'health.json':
      return Response.json(healthJson(worker))
    case 'connect/NAME':
      return connect(worker, name)
    case 'callback':
      return connected(worker, url, request.headers.get('cookie') ?? '')
    case 'call/NAME':
      return call(worker, name)
    default:
      return new Response(null, { status: 404 })
  }
}

/** The transaction, sealed, is in a cookie: the callback may come to another worker, but only from this browser. */
async function connect({ custody, settings }: Worker, name: string): Promise<Response> {
  const redirectUri = `${settings.url}/callback`
  const { url, transaction } = await beginSignIn(custody, { redirectUri, scope, carried: name })
  const secure = settings.url.startsWith('https:') ? '; Secure' : ''
  const cookie = `${cookieName}=${transaction}; HttpOnly; SameSite=Lax; Path=/callback; Max-Age=600${secure}`
  return new Response(null, { status: 303, headers: { location: url, 'set-cookie': cookie } })
}

async function connected(
  { custody, holder, connections, alive }: Worker,
  url: URL,
  cookies: string,
): Promise<Response> {
  const transaction = new RegExp(`(?:^|; )${cookieName}=([^;]+)`).exec(cookies)?.[1]
  if (transaction === undefined) return new Response('This browser began nothing here.', { status: 400 })
  const signedIn = await finishSignIn(custody, transaction, url)
  const name = signedIn.carried ?? ''
  await holder.keep(name, signedIn)
  await connections.add(name)
  alive.lookAgain(name)
  return new Response(null, { status: 303, headers: { location: '/health' } })
}

async function call({ holder, settings }: Worker, name: string): Promise<Response> {
  const origins = [new URL(settings.issuer).origin]
  try {
    const told = await holder.fetchAs(name, { origins })(`${settings.issuer}/userinfo`)
    return new Response(told.body, { status: told.status, headers: { 'content-type': 'application/json' } })
  } catch (error) {
    if (error instanceof SignInNeeded) return Response.json({ connect: `/connect/${name}` }, { status: 409 })
    throw error
  }
}
