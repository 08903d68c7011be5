"""Chapter 6: robust models, tuning and batch normalisation (강건한 모델, 하이퍼파라미터 튜닝과 배치 정규화)."""

SECTIONS = (
    "robustness",
    "many_epochs",
    "tuned_and_trained",
    "random_or_grid",
    "importance_order",
    "integer_draws",
    "log_uniform",
    "normalised_values",
    "covariate_shift",
    "batch_norm_speed",
    "batch_noise",
    "batch_norm_network",
    "batch_norm_formula",
    "scale_and_shift",
    "batch_norm_traps",
)
