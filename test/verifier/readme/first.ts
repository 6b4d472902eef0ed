import { clientSecret, guardApi, refusalResponse } from '@pawl/verifier'

const guard = guardApi({
  issuer: 'https://id.example',
  audience: 'https://api.example',
  credentials: clientSecret('files-api', process.env['API_SECRET'] ?? ''),
  follow: 'feed',
})

export async function answer(request: Request): Promise<Response> {
  const access = await guard.verify(request, { scopes: ['files.read'] })
  if (!access.granted) return refusalResponse(access)
  return Response.json({ hello: access.subject })
}
