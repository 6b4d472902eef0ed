import { answerProtectedResource, type ApiGuard, guardApi, protectedResourceUrl } from '@pawl/verifier'

const resource = 'https://api.example/files'
export const guard: ApiGuard = guardApi({
  issuer: 'https://id.example',
  audience: resource,
  resourceMetadata: protectedResourceUrl(resource),
})

export function answerWellKnown(request: Request): Response | null {
  return answerProtectedResource(guard, { resource, scopes: ['files.read'], name: 'Files' }, request)
}
