import { type ApiGuard, guardFetch } from '@pawl/verifier'

export function transfers(guard: ApiGuard): (request: Request) => Promise<Response> {
  const surely = { scopes: ['transfer'], acr: ['phr', 'urn:pawl:acr:mfa'], maxAgeSeconds: 300 }
  return guardFetch(guard, surely, (_request, access) => new Response(`done for ${access.subject}`))
}
