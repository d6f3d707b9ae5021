#if Redis
@_exported public import SessionsRedisCodec
#endif
