-- The work of a spend in PostgreSQL: tables, and the function that does it.
--
-- Amounts are fen. Wallets and merchants are integers and ids are uuids, which is shorter, and so faster,
-- than the names that fentan takes.

create table merchant (
    id int,
    -- Connections book into slices of their own, so that a popular merchant's row is not what they wait for.
    slice int,
    pending bigint not null default 0,
    primary key (id, slice)
) with (fillfactor = 50);

create table lot (
    wallet int,
    number int,
    principal_granted bigint not null,
    bonus_granted bigint not null,
    principal_left bigint not null check (principal_left >= 0),
    bonus_left bigint not null check (bonus_left >= 0),
    primary key (wallet, number)
) with (fillfactor = 70);

-- A spend with its lines and the balance after it: what a repeat of its id is answered with.
create table spend (
    id uuid primary key,
    wallet int not null,
    merchant int not null,
    amount bigint not null,
    at timestamptz not null default now(),
    lots int[] not null,
    principal bigint[] not null,
    bonus bigint[] not null,
    principal_after bigint not null,
    bonus_after bigint not null
);

-- Lots pay first in, first out. Within a lot its ratio divides, rounded over all that the lot has paid and
-- not over one spend (rule A3), so that nothing drifts.
--
-- Two spends of one id at one moment: the second fails on the primary key, and finds the first when it is
-- sent again.
create function spend_once(_id uuid, _wallet int, _merchant int, _slice int, _amount bigint, out answer spend, out replayed bool)
language plpgsql as $$
declare
    l lot;
    rest bigint := _amount;
    granted bigint;
    total bigint;
    take bigint;
    of_principal bigint;
begin
    select * into answer from spend where id = _id;
    replayed := found;
    if replayed then
        return;
    end if;
    answer.lots := '{}';
    answer.principal := '{}';
    answer.bonus := '{}';
    answer.principal_after := 0;
    answer.bonus_after := 0;
    for l in select * from lot where wallet = _wallet order by number for update loop
        take := least(rest, l.principal_left + l.bonus_left);
        if take > 0 then
            granted := l.principal_granted + l.bonus_granted;
            total := granted - l.principal_left - l.bonus_left + take;
            of_principal := (2 * total * l.principal_granted + granted) / (2 * granted)
                - (l.principal_granted - l.principal_left);
            l.principal_left := l.principal_left - of_principal;
            l.bonus_left := l.bonus_left - (take - of_principal);
            update lot set principal_left = l.principal_left, bonus_left = l.bonus_left
                where wallet = _wallet and number = l.number;
            answer.lots := answer.lots || l.number;
            answer.principal := answer.principal || of_principal;
            answer.bonus := answer.bonus || (take - of_principal);
            rest := rest - take;
        end if;
        answer.principal_after := answer.principal_after + l.principal_left;
        answer.bonus_after := answer.bonus_after + l.bonus_left;
    end loop;
    if rest > 0 then
        raise exception 'insufficient_funds';
    end if;
    update merchant set pending = pending + _amount where id = _merchant and slice = _slice;
    if not found then
        raise exception 'unknown_merchant';
    end if;
    answer.id := _id;
    answer.wallet := _wallet;
    answer.merchant := _merchant;
    answer.amount := _amount;
    answer.at := now();
    insert into spend values (answer.*);
end
$$;

-- Several spends in one transaction, in the order given: that of their wallets, or two batches could wait
-- for each other.
create function spend_many(_ids uuid[], _wallets int[], _merchants int[], _slice int, _amounts bigint[])
returns table (id uuid, lots int[], principal bigint[], bonus bigint[], principal_after bigint, bonus_after bigint, replayed bool)
language plpgsql as $$
declare
    done record;
begin
    for place in 1 .. cardinality(_ids) loop
        select * into done from spend_once(_ids[place], _wallets[place], _merchants[place], _slice, _amounts[place]);
        id := _ids[place];
        lots := (done.answer).lots;
        principal := (done.answer).principal;
        bonus := (done.answer).bonus;
        principal_after := (done.answer).principal_after;
        bonus_after := (done.answer).bonus_after;
        replayed := done.replayed;
        return next;
    end loop;
end
$$;
