%% The two nodes of the comparison with Erlang/OTP. Both run this module: one
%% serves a gen_server, the other is told on its standard input what to measure
%% and answers each line with one line. A node ends when its input does. There are
%% no macros, since the text is compiled without its preprocessor.
-module(clk_bench).
-behaviour(gen_server).
-export([serve/0, measure/0, init/1, handle_call/3, handle_cast/2]).

%% The serving node.

serve() ->
    {ok, _} = gen_server:start({local, bench}, clk_bench, [], []),
    io:format("ready~n"),
    wait_for_end().

wait_for_end() ->
    case io:get_line("") of
        Line when is_list(Line) -> wait_for_end();
        _ -> erlang:halt(0, [{flush, false}])
    end.

init([]) -> {ok, 0}.

handle_call(count, _From, N) -> {reply, N, 0};
handle_call({echo, Body}, _From, N) -> {reply, Body, N}.

handle_cast({take, _Body}, N) -> {noreply, N + 1}.

%% The measuring node.

measure() ->
    {ok, _} = gen_server:start({local, bench}, clk_bench, [], []),
    Body = body(1),
    Body = gen_server:call(server(), {echo, Body}),
    io:format("ready~n"),
    answer_all().

answer_all() ->
    case io:get_line("") of
        Line when is_list(Line) ->
            [Work | Args] = string:lexemes(Line, " \n"),
            Numbers = work(Work, [list_to_integer(A) || A <- Args]),
            io:format("ok~s~n", [[[" ", integer_to_list(N)] || N <- Numbers]]),
            answer_all();
        _ ->
            erlang:halt(0, [{flush, false}])
    end.

%% Times are in nanoseconds, except those that are asked for: milliseconds.
work("latency", [Ms]) ->
    until(Ms div 10 + 1),
    quantiles(until(Ms));
work("rate", [Callers, Ms]) ->
    calls_in(Callers, Ms);
work("oneway", [Size, N]) ->
    warm_up(),
    Took = flood(Size, N),
    [N, Took];
work("beside", [Bytes, Ms]) ->
    warm_up(),
    Self = self(),
    Stop = atomics:new(1, []),
    spawn_link(fun() -> Self ! {moved, bulk(Bytes, now_ns(), Ms * 1000000, 0), atomics:put(Stop, 1, 1)} end),
    Took = while(Stop, 1, []),
    receive {moved, {Moved, T}, ok} -> quantiles(Took) ++ [Moved, T] end;
work("local_call", [N]) ->
    Body = body(1),
    Start = now_ns(),
    calls(N, Body),
    [now_ns() - Start];
work("local_cast", [N]) ->
    Body = body(1),
    Start = now_ns(),
    casts(bench, N, Body),
    N = gen_server:call(bench, count, infinity),
    [now_ns() - Start].

now_ns() -> erlang:monotonic_time(nanosecond).

server() -> {bench, 'server@127.0.0.1'}.

%% A body of 64 bytes that no other call carries.
body(N) -> <<N:64, 0:(448)>>.

%% One call, whose reply must be its request.
call(N) ->
    Body = body(N),
    Body = gen_server:call(server(), {echo, Body}, infinity).

%% Calls that are not counted. See package load.
warm_up() -> [call(I) || I <- lists:seq(1, 16)].

until(Ms) ->
    Stop = atomics:new(1, []),
    {ok, T} = timer:apply_after(Ms, atomics, put, [Stop, 1, 1]),
    Took = while(Stop, 1, []),
    timer:cancel(T),
    Took.

while(Stop, N, Took) ->
    Start = now_ns(),
    call(N),
    All = [now_ns() - Start | Took],
    case atomics:get(Stop, 1) of
        0 -> while(Stop, N + 1, All);
        _ -> All
    end.

quantiles(Took) ->
    Sorted = lists:sort(Took),
    N = length(Sorted),
    [lists:nth(N div 2 + 1, Sorted), lists:nth(min(N * 99 div 100 + 1, N), Sorted), N].

calls_in(Callers, Ms) ->
    Self = self(),
    Stop = atomics:new(1, []),
    Pids = [spawn_link(fun() -> caller(Self, Stop, I bsl 40) end) || I <- lists:seq(1, Callers)],
    [receive {warm, P} -> ok end || P <- Pids],
    Start = now_ns(),
    [P ! go || P <- Pids],
    timer:sleep(Ms),
    atomics:put(Stop, 1, 1),
    Calls = lists:sum([receive {calls, P, N} -> N end || P <- Pids]),
    [Calls, now_ns() - Start].

caller(Boss, Stop, First) ->
    call(First),
    Boss ! {warm, self()},
    receive go -> ok end,
    Boss ! {calls, self(), length(while(Stop, First + 1, []))}.

%% Signals between two processes keep their order, so that the answer to count
%% comes after all casts.
flood(Size, N) ->
    Body = binary:copy(<<"x">>, Size),
    Start = now_ns(),
    casts(server(), N, Body),
    N = gen_server:call(server(), count, infinity),
    now_ns() - Start.

casts(_To, 0, _Body) -> ok;
casts(To, N, Body) ->
    gen_server:cast(To, {take, Body}),
    casts(To, N - 1, Body).

calls(0, _Body) -> ok;
calls(N, Body) ->
    Body = gen_server:call(bench, {echo, Body}, infinity),
    calls(N - 1, Body).

bulk(Bytes, Start, Limit, Moved) ->
    flood(65536, Bytes div 65536),
    case now_ns() - Start of
        T when T >= Limit -> {Moved + Bytes, T};
        _ -> bulk(Bytes, Start, Limit, Moved + Bytes)
    end.
